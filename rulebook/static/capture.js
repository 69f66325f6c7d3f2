// The sheet of paper without waiting: Enter writes the line down and the field is free for the next one.
//
//   <form data-sheet>        the field: Enter sends it, F2 switches between written and unwritten
//   <form data-sheet-act>    undo, "the same": sent in the same way
//   <form data-sort>         one rule to sort: the key on a button presses it while the focus is on the card
// The server answers with the sentences on top (#sheet-told) and the list (#sheet-list).
(() => {
  "use strict";

  for (const named of document.querySelectorAll(".sheet-keys")) named.hidden = false;

  // ---- Sorting. A letter alone works only on the card, so that nobody sorts a rule by speaking or by a stray key.

  const card = document.querySelector("[data-sort]");
  if (card) {
    card.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const button = card.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
      if (!button || card.dataset.sending) return;
      event.preventDefault();
      card.dataset.sending = "now";
      card.requestSubmit(button);
    });
    card.addEventListener("submit", () => {
      card.dataset.sending = "now";
    });
    window.addEventListener("pageshow", () => delete card.dataset.sending);
  }

  // ---- The sheet.

  const form = document.querySelector("[data-sheet]");
  if (!form) return;
  const field = form.elements.lines;
  const written = form.elements.kind;

  const changed = (value) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true })); // kept in the tab by agent.js
  };

  // What was not stored goes back into the field, before what is being written by now.
  const giveBack = (text) => {
    if (text) changed(field.value ? `${text}\n${field.value}` : text);
  };

  const say = (sentence) => {
    const told = document.getElementById("sheet-told");
    told.querySelectorAll(".errors, .said").forEach((old) => old.remove());
    const place = document.createElement("div");
    place.className = "errors";
    place.textContent = sentence;
    told.append(place);
  };

  const replace = (html) => {
    const answer = new DOMParser().parseFromString(html, "text/html");
    for (const id of ["sheet-told", "sheet-list"]) {
      const fresh = answer.getElementById(id);
      if (!fresh) return false;
      document.getElementById(id).replaceChildren(...fresh.childNodes);
      if (id === "sheet-told") giveBack(fresh.dataset.draft);
    }
    return true;
  };

  // One sending after the other, in the order of writing.
  let queue = Promise.resolve();
  const send = (body, text) => {
    queue = queue.then(async () => {
      try {
        const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Sheet": "1" } });
        if (!replace(await answer.text())) {
          giveBack(text);
          say(form.dataset.refused);
        }
      } catch {
        giveBack(text);
        say(form.dataset.offline);
      }
    });
    return queue;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value;
    const body = new FormData(form);
    changed("");
    field.focus();
    send(body, text);
  });

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || event.repeat) return;
    event.preventDefault();
    written.checked = !written.checked;
    written.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("submit", (event) => {
    const act = event.target;
    if (act.dataset.sheetAct === undefined) return;
    event.preventDefault();
    const body = new FormData(act, event.submitter);
    send(body, "").then(() => field.focus());
  });
})();
