// The sample's files as text: to read, to save, to change and run again.

import { button, h, uniqueId } from "./dom.js";

/** The files, the command that audits them elsewhere, and what was changed before. */
export function editor(files, command, changed, save, run) {
  const areas = new Map();
  const part = (file) => {
    const id = uniqueId("text");
    const area = h("textarea", { id, rows: 10, spellcheck: "false", wrap: "off", autocomplete: "off" });
    area.value = changed[file.name] ?? file.text;
    areas.set(file, area);
    return h("div", { class: "text" },
      h("div", { class: "file-line" }, h("label", { for: id }, h("strong", null, file.name), h("span", { class: "dim" }, ` ${file.title}`)),
        button("Save", () => save(file.name, area.value), { class: "link", "aria-label": `Save ${file.name}` })), area);
  };
  const texts = () => {
    const edited = {};
    for (const [file, area] of areas) if (area.value !== file.text) edited[file.name] = area.value;
    return edited;
  };
  return h("div", { class: "editor" },
    h("p", { class: "dim" }, "Change a quantity or a price and run it again. The files are ordinary exports; nothing of the result is written down anywhere."),
    files.map(part),
    h("div", { class: "actions" }, button("Run with these texts", () => run(texts()), { class: "button primary", id: "rerun" }),
      button("As they were", () => run({}), { class: "button" })),
    h("p", null, "The same on your machine, with the same digest:"),
    h("pre", { tabindex: 0 }, h("code", null, `leakage sample sample-files\ncd sample-files\n${command}`)));
}
