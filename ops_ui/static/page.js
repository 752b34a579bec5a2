// Keeps the page live: renews <main> when something happens, and says so when it cannot.
"use strict";
(function () {
  // Pages of what changes slowly are renewed slowly, and ask for no news.
  const fast = document.documentElement.dataset.renews === "fast";
  const EVERY = fast ? 10000 : 60000, LOST_AFTER = fast ? 25000 : 155000, LEAST = 1000, PULSE = 2000;
  let renewed = Date.now(), asked = 0, pending = null, busy = false, news = null, going = 0;

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
    document.querySelectorAll("[data-lasts]").forEach((cell) => {
      cell.textContent = long(Number(cell.dataset.lasts) + passed);
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

  // As the server writes it: two units at most.
  function long(seconds) {
    let left = Math.max(0, Math.round(seconds));
    const parts = [];
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
      if (left >= size) { parts.push(`${Math.floor(left / size)} ${unit}`); left %= size; }
    }
    return parts.slice(0, 2).join(" ") || "0 s";
  }

  // Asked in short, never held open: a browser has six connections for all of its pages.
  async function pulse() {
    try {
      const answer = await fetch("/pulse", { signal: AbortSignal.timeout(3000) });
      const told = (await answer.json()).news;
      if (news !== null && told !== news) { soon(); }
      news = told;
    } catch (error) { /* renewing tells it */ }
  }

  const GO = { f: "/", r: "/readiness", a: "/alerts", s: "/schedule", d: "/deploys", l: "/lkg", e: "/events", w: "/wall" };

  function step(event) {
    const links = [...document.querySelectorAll(".ribbon a")];
    const here = links.indexOf(document.activeElement);
    if (here < 0) { return; }
    const next = links[here + (event.key === "ArrowRight" ? 1 : -1)];
    if (next) { next.focus(); event.preventDefault(); }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { return; }
    if (Date.now() - going < 1500 && GO[event.key]) { location.href = GO[event.key]; return; }
    going = event.key === "g" ? Date.now() : 0;
    if (event.key.startsWith("Arrow")) { step(event); }
    const keys = document.getElementById("keys");
    if (event.key === "?" && keys) { keys.open = !keys.open; keys.querySelector("summary").focus(); }
    const first = document.querySelector(".services tbody a, main a");
    if (event.key === "/" && first) { first.focus(); event.preventDefault(); }
  });

  setInterval(tick, 1000);
  setInterval(() => { if (Date.now() - asked > EVERY) { renew(); } }, 1000);
  if (fast) {
    pulse();
    setInterval(pulse, PULSE);
  }
  // What a hidden page could not ask in time it asks as soon as it is seen.
  document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - asked > LEAST) { renew(); } });
})();
