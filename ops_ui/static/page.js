// Keeps the page live: renews <main> when something happens, and says so when it cannot.
"use strict";
(function () {
  const EVERY = 10000, LOST_AFTER = 25000, LEAST = 1000;
  let renewed = Date.now(), asked = 0, pending = null, busy = false;

  function main() { return document.getElementById("main"); }

  async function renew() {
    if (busy) { return; }
    busy = true;
    asked = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(8000) });
      if (!answer.ok) { throw new Error("no page"); }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (!fresh) { throw new Error("no floor"); }
      swap(fresh);
      renewed = Date.now();
    } catch (error) {
      if (Date.now() - renewed > LOST_AFTER) { lost(); }
    } finally { busy = false; }
  }

  function swap(fresh) {
    const old = main(), said = old.dataset.title;
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const focused = document.activeElement && old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(document.adoptNode(fresh));
    fresh.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
    if (focused) { const again = [...fresh.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused); if (again) { again.focus({ preventScroll: true }); } }
    show(fresh.dataset.title, fresh.dataset.icon);
    if (said !== fresh.dataset.title) { document.getElementById("announce").textContent = fresh.dataset.title; }
  }

  function show(title, icon) {
    if (title) { document.title = title; }
    const link = document.querySelector("link[rel=icon]");
    if (icon && link) { link.setAttribute("href", icon); }
  }

  function lost() {
    main().classList.add("is-lost");
    show("✕ NOT LIVE · Mission Control", "/static/icon-failure-down.svg");
    document.getElementById("announce").textContent = "This page is not live.";
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
    if (Date.now() - renewed > LOST_AFTER) { lost(); }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.key === "?") { location.href = "/runbooks/pre_market"; }
  });

  setInterval(tick, 1000);
  setInterval(() => { if (Date.now() - asked > EVERY) { renew(); } }, 1000);
  const stream = new EventSource("/stream");
  ["posture", "agents", "event"].forEach((name) => stream.addEventListener(name, soon));
})();
