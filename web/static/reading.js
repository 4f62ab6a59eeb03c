// Measures how long an article is really read (visible tab, focus) and how far, and sends it; loaded where events are taken.
// A reading is one event that is sent again with larger figures. What could not be sent is kept until it can.
"use strict";

(() => {
  const article = document.getElementById("reading");
  if (!article || !article.dataset.events) return;
  const KEPT = "kepu.readings";
  const LIFE_MS = 2 * 24 * 3600 * 1000; // of a reading token
  const EVERY_MS = 15000;
  const LONGEST_STEP_MS = 2000; // a machine that slept did not read

  let dwell = 0;
  let scroll = 0;
  let last = performance.now();
  let reading = null;
  let sent = "";
  let left = "";

  const attentive = () => document.visibilityState === "visible" && document.hasFocus();
  let was = attentive();

  const measure = () => {
    const now = performance.now();
    if (was) dwell += Math.min(now - last, LONGEST_STEP_MS);
    last = now;
    was = attentive();
    const box = article.getBoundingClientRect();
    if (was && box.height > 0) {
      scroll = Math.max(scroll, Math.min(1, Math.max(0, (window.innerHeight - box.top) / box.height)));
    }
  };

  // The token has the reading's id and the server's time in it, see content_store/reading_tokens.py.
  const opened = (token) => {
    const bytes = Uint8Array.from(atob(token.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
    const hex = Array.from(bytes.slice(1, 17), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
    return { id, token, at: Number(new DataView(bytes.buffer).getBigUint64(17)) };
  };

  const kept = () => {
    try {
      const found = JSON.parse(localStorage.getItem(KEPT) || "{}");
      return Object.fromEntries(Object.entries(found).filter(([, event]) => Date.now() - event.at < LIFE_MS));
    } catch {
      return {};
    }
  };
  const keep = (readings) => {
    try {
      localStorage.setItem(KEPT, JSON.stringify(readings));
    } catch {
      // No room, or not allowed: then only what is sent at once counts.
    }
  };

  const current = () => ({
    id: reading.id, kind: "read", content_id: article.dataset.content, at: reading.at,
    dwell_ms: Math.round(dwell), scroll: Math.round(scroll * 1000) / 1000, reading_token: reading.token,
  });

  const body = (events) => JSON.stringify({ events });

  const send = async () => {
    measure();
    const readings = kept();
    if (reading) readings[reading.id] = current();
    keep(readings);
    const text = body(Object.values(readings));
    if (!Object.keys(readings).length || text === sent) return;
    const answer = await fetch(article.dataset.events, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: text, keepalive: true,
    });
    if (answer.status === 429 || answer.status >= 500) return; // for later
    sent = text;
    const now = kept();
    for (const [id, event] of Object.entries(readings)) {
      if (now[id] && now[id].dwell_ms === event.dwell_ms) delete now[id];
    }
    keep(now);
  };
  const trySending = () => send().catch(() => {});

  const leave = () => {
    measure();
    if (!reading) return;
    const event = current();
    const readings = kept();
    readings[reading.id] = event;
    keep(readings);
    const text = body([event]);
    if (text === left) return; // a page that is left is hidden first
    left = text;
    navigator.sendBeacon(article.dataset.events, new Blob([text], { type: "application/json" }));
  };

  setInterval(measure, 1000);
  setInterval(trySending, EVERY_MS);
  for (const name of ["focus", "blur", "scroll"]) window.addEventListener(name, measure, { passive: true });
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? leave() : measure()));
  window.addEventListener("pagehide", leave);
  window.addEventListener("online", trySending);

  const address = `/api/v1/contents/${article.dataset.content.split("/").map(encodeURIComponent).join("/")}`;
  fetch(address, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then((content) => { reading = content.reading_token ? opened(content.reading_token) : null; })
    .then(trySending)
    .catch(() => {});
})();
