// Measures how long an article is really read (visible tab, focus) and how far, and puts it into the outbox.
"use strict";

(() => {
  const article = document.getElementById("reading");
  if (!article || !article.dataset.events) return;
  const EVERY_MS = 15000;
  const LONGEST_STEP_MS = 2000; // a machine that slept did not read

  let dwell = 0;
  let scroll = 0;
  let last = performance.now();
  let reading = null;

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

  let noted = "";
  const note = () => {
    measure();
    if (!reading) return false;
    const event = {
      id: reading.id, kind: "read", content_id: article.dataset.content, at: reading.at,
      dwell_ms: Math.round(dwell), scroll: Math.round(scroll * 1000) / 1000, reading_token: reading.token,
    };
    const text = JSON.stringify(event);
    if (text === noted) return false; // nothing new to tell
    noted = text;
    outbox.put(event);
    return true;
  };
  const tell = () => { if (note()) outbox.flush(); };

  setInterval(measure, 1000);
  setInterval(tell, EVERY_MS);
  for (const name of ["focus", "blur", "scroll"]) window.addEventListener(name, measure, { passive: true });
  document.addEventListener("visibilitychange", measure);
  outbox.beforeLeaving(note);

  const address = `/api/v1/contents/${article.dataset.content.split("/").map(encodeURIComponent).join("/")}`;
  fetch(address, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then((content) => { reading = content.reading_token ? opened(content.reading_token) : null; })
    .then(tell)
    .catch(() => {});
})();
