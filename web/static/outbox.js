// What was read and may not have been told yet: kept in this browser and sent again, from any page, until it is known
// to have arrived. A reading is one event that is sent again with larger figures; who gets it twice counts it once.
"use strict";

const outbox = (() => {
  const PATH = "/api/v1/events";
  const KEPT = "kepu.readings";
  const LIFE_MS = 2 * 24 * 3600 * 1000; // of a reading token
  const MOST = 100; // in one request

  let here = {}; // what this page alone knows, because the browser keeps nothing
  const kept = () => {
    let found = {};
    try {
      found = JSON.parse(localStorage.getItem(KEPT) || "{}");
    } catch {
      // Not allowed, or spoilt by another hand.
    }
    const young = ([, event]) => Date.now() - event?.at < LIFE_MS;
    return Object.fromEntries(Object.entries({ ...found, ...here }).filter(young));
  };

  const keep = (events) => {
    try {
      if (Object.keys(events).length) localStorage.setItem(KEPT, JSON.stringify(events));
      else localStorage.removeItem(KEPT);
      here = {};
    } catch {
      here = events; // no room, or not allowed
    }
  };

  const put = (event) => keep({ ...kept(), [event.id]: event });

  // Of what has grown meanwhile the larger figures are still to be told.
  const forget = (sent) => {
    const events = kept();
    for (const event of sent) {
      if (JSON.stringify(events[event.id]) === JSON.stringify(event)) delete events[event.id];
    }
    keep(events);
  };

  const body = (events) => JSON.stringify({ events });

  const tellAll = async () => {
    try {
      const waiting = Object.values(kept());
      while (waiting.length) {
        const events = waiting.splice(0, MOST);
        const answer = await fetch(PATH, {
          method: "POST", headers: { "Content-Type": "application/json" }, body: body(events), keepalive: true,
          credentials: "same-origin",
        });
        if (!answer.ok) break; // for later
        forget(events);
      }
    } catch {
      // Without a network it stays where it is.
    }
  };

  let busy = false;
  let again = false;
  const flush = async () => {
    again = true;
    if (busy) return; // whoever is at it goes round once more
    busy = true;
    while (again) {
      again = false;
      await tellAll();
    }
    busy = false;
  };

  // A page that goes away cannot wait for an answer: what it sends stays here until another page has had one.
  const before = [];
  let left = "";
  const leave = () => {
    for (const note of before) note();
    const events = Object.values(kept()).slice(-MOST);
    const text = body(events);
    if (!events.length || text === left) return; // a page that is left is hidden first
    left = text;
    navigator.sendBeacon(PATH, new Blob([text], { type: "application/json" }));
  };

  window.addEventListener("online", flush);
  window.addEventListener("pageshow", flush);
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? leave() : flush()));

  return { put, flush, beforeLeaving: (note) => before.push(note) };
})();
