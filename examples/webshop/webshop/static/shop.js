// What the pages do better with a script; all of it works without.
"use strict";

// The question about the stock stands open in its page. Here it becomes modal, and Esc is Cancel.
const question = document.querySelector("dialog[data-modal]");
if (question) {
  question.close();
  question.showModal();
  question.addEventListener("cancel", (event) => {
    event.preventDefault();
    question.querySelector("[data-escape]").click();
  });
}

// A form is sent once, however often somebody presses: the server would do it once in any case.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});

// What was wrong with a form is where the reader is taken to; else what was done, unless a question is asked first.
if (!question) (document.querySelector("[data-focus]") ?? document.querySelector("[data-said]"))?.focus();
else question.querySelector("[data-focus]")?.focus();

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const said = document.getElementById("copied");
    said.textContent = said.dataset.copied;
  });
}

// The refunds and the history are looked at again while something moves, more rarely while nothing does, and never
// while somebody types there. Whoever was at a link or a button there stays at it.
const now = document.getElementById("now");
if (now) {
  const version = () => now.firstElementChild.dataset.version;
  const moving = () => "moving" in now.firstElementChild.dataset;
  const typing = () => now.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  const busy = () => document.hidden || typing() || now.querySelector("details[open]");
  const replace = (fresh) => {
    const at = now.contains(document.activeElement) ? document.activeElement : null;
    now.replaceChildren(fresh);
    const same = [...now.querySelectorAll("a, button, summary")].find((one) => one.textContent === at?.textContent);
    if (at) (same ?? now).focus();
  };
  const look = async () => {
    try {
      const answer = busy() ? null : await fetch(now.dataset.now, { headers: { Accept: "text/html" } });
      if (answer?.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const [fresh, ...sums] = page.body.children;
        if (fresh && fresh.dataset.version !== version() && !busy()) {
          replace(fresh);
          for (const one of sums) document.getElementById(one.id)?.replaceWith(one);
        }
      }
    } catch {
      // The shop cannot be reached now; the next look may.
    }
    setTimeout(look, moving() ? 2000 : 10000);
  };
  setTimeout(look, 2000);
}
