// What is nicer with a script: the next page comes by itself, and a dismissed article goes without the page being loaded.
"use strict";

(() => {
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");

  const watchMore = () => {
    const list = document.getElementById("items");
    if (!list || !("IntersectionObserver" in window)) return;
    let busy = false;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) load();
    }, { rootMargin: "600px" });

    const load = async () => {
      const more = document.getElementById("more");
      const link = more.querySelector("a[rel=next]");
      if (busy || !link) return;
      busy = true;
      link.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(link.href, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        const page = parse(await answer.text());
        const next = page.getElementById("more");
        if (!next) throw new Error("no page of ours");
        list.append(...page.querySelectorAll("#items > li"));
        observer.unobserve(more);
        more.replaceWith(next);
        observer.observe(next);
      } catch {
        observer.disconnect(); // the link stays, for people to try
        link.removeAttribute("aria-busy");
      }
      busy = false;
    };
    observer.observe(document.getElementById("more"));
  };

  const dismissInPlace = () => {
    document.addEventListener("submit", async (event) => {
      const form = event.target;
      const card = form.matches("[data-dismiss]") ? form.closest("li.card") : null;
      if (!card) return;
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const answer = await fetch(form.action, {
          method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin", redirect: "manual",
        });
        if (!answer.ok && answer.type !== "opaqueredirect") throw new Error(String(answer.status));
        const told = document.createElement("li");
        told.className = "notice";
        told.setAttribute("role", "status");
        told.textContent = "好的，这篇不再出现，同类内容也会少一些。";
        card.replaceWith(told);
      } catch {
        form.submit();
      }
    });
  };

  watchMore();
  dismissInPlace();
})();
