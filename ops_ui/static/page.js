// Keeps the page live: renews <main> when something happens, and says so when it cannot.
"use strict";
(function () {
  // Pages of what changes slowly are renewed slowly, and do not follow the stream.
  const fast = document.documentElement.dataset.renews === "fast";
  const EVERY = fast ? 10000 : 60000, LOST_AFTER = fast ? 25000 : 155000, LEAST = 1000;
  let renewed = Date.now(), asked = 0, pending = null, busy = false;

  function live() { return document.getElementById("live"); }

  async function renew() {
    if (busy) { return; }
    busy = true;
    asked = Date.now();
    try {
      // A page that says what failed is a page too: it is shown at once.
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(8000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.getElementById("live") || !page.getElementById("main")) { throw new Error("no page"); }
      swap(page);
      renewed = Date.now();
    } catch (error) {
      if (Date.now() - renewed > LOST_AFTER) { lost(); }
    } finally { busy = false; }
  }

  // What has the focus, as the nth of those that look the same: many links lead to one page.
  function placeOf(within, one) {
    if (!one || one === within || !within.contains(one)) { return null; }
    const place = { tag: one.tagName, href: one.getAttribute("href"), nth: 0 };
    place.nth = alike(within, place).indexOf(one);
    return place;
  }

  function alike(within, place) {
    return [...within.querySelectorAll(place.tag)].filter((e) => e.getAttribute("href") === place.href);
  }

  function swap(page) {
    const old = live(), fresh = page.getElementById("live"), said = document.title;
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const focused = placeOf(old, document.activeElement);
    old.replaceWith(document.adoptNode(fresh));
    fresh.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
    const again = focused && alike(fresh, focused)[focused.nth];
    if (again) { again.focus({ preventScroll: true }); }
    const icon = page.querySelector("link[rel=icon]");
    show(page.title, icon && icon.getAttribute("href"));
    if (said !== page.title) { announce(page.title); }
  }

  function show(title, icon) {
    document.title = title;
    const link = document.querySelector("link[rel=icon]");
    if (icon && link) { link.setAttribute("href", icon); }
  }

  function announce(text) { document.getElementById("announce").textContent = text; }

  function lost() {
    if (live().classList.contains("is-lost")) { return; }
    live().classList.add("is-lost");
    show("✕ NOT LIVE · Mission Control", "/static/icon-failure-down.svg");
    announce("This page is not live.");
  }

  function soon() {
    if (pending) { return; }
    pending = setTimeout(() => { pending = null; renew(); }, Math.max(0, LEAST - (Date.now() - asked)));
  }

  function tick() {
    const passed = (Date.now() - renewed) / 1000;
    document.querySelectorAll("[data-age]").forEach((cell) => {
      cell.textContent = `${Math.round(Number(cell.dataset.age) + passed)} s`;
    });
    // Mission Control's own clock, carried on from the last answer.
    document.querySelectorAll("[data-clock]").forEach((cell) => {
      const now = new Date(Date.parse(cell.dataset.clock) + Date.now() - renewed);
      if (Number.isNaN(now.getTime())) { return; }
      cell.textContent = now.toLocaleTimeString("en-GB", { timeZone: "America/New_York" });
      cell.parentElement.querySelector("[data-clock-utc]").textContent = `${now.toISOString().slice(11, 19)}Z`;
    });
    if (Date.now() - renewed > LOST_AFTER) { lost(); }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.key === "?") { location.href = "/runbooks/pre_market"; }
  });

  setInterval(tick, 1000);
  setInterval(() => { if (Date.now() - asked > EVERY) { renew(); } }, 1000);
  if (fast) {
    const stream = new EventSource("/stream");
    ["posture", "agents", "event", "alerts"].forEach((name) => stream.addEventListener(name, soon));
  }
})();
