// Keys and typing that page.js leaves out: the brief, the evidence and the next change; what is typed
// into the time machine stays when the page is renewed; and all keys on a page of the past, which is not.
"use strict";
(function () {
  const at = new URLSearchParams(location.search).get("at");
  const EXTRA = { b: "/brief", k: `/evidence-now${at ? `?at=${encodeURIComponent(at)}` : ""}` };
  const ALL = { f: "/", r: "/readiness", a: "/alerts", s: "/schedule", d: "/deploys", l: "/lkg", e: "/events", w: "/wall" };
  const past = document.documentElement.dataset.renews === "no";
  const go = past ? { ...ALL, ...EXTRA } : EXTRA;
  let going = 0, typed = null;

  function follow(selector) {
    const link = document.querySelector(selector);
    if (link) { location.href = link.href; }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { return; }
    if (Date.now() - going < 1500 && go[event.key]) { location.href = go[event.key]; return; }
    const more = event.key === "Escape" && document.querySelector(".more[open]");
    if (more) { more.open = false; more.querySelector("summary").focus(); }
    going = event.key === "g" ? Date.now() : 0;
    if (event.key === "[") { follow(".time-machine a[rel=prev]"); }
    if (event.key === "]") { follow(".time-machine a[rel=next]"); }
    if (!past) { return; }
    const keys = document.getElementById("keys"), first = document.querySelector("main tbody a, main a");
    if (event.key === "?" && keys) { keys.open = !keys.open; keys.querySelector("summary").focus(); }
    if (event.key === "/" && first) { first.focus(); event.preventDefault(); }
  });

  const field = () => document.querySelector(".time-machine input[name=at]");
  document.addEventListener("input", (event) => { if (event.target === field()) { typed = event.target.value; } });
  new MutationObserver(() => {
    const fresh = field();
    if (typed && fresh && fresh.value !== typed) { fresh.value = typed; }
  }).observe(document.body, { childList: true });
})();
