/* Uploads of pictures to a folder of the service: dropped on the page, or chosen in a dialog. */

import * as api from "./api.js";
import { button, dialog, field, h, show } from "./dom.js";
import { counted } from "./format.js";

const MOST = 64 << 20;
const ENDINGS = ".png,.jpg,.jpeg,.webp,.bmp,.gif,.avif";
const LISTED = 8;

export class Uploads {
  /* `folder()` returns the path of the open folder; `done(path)` hears of a changed or new folder. */
  constructor({ folder, done }) {
    Object.assign(this, { folder, done, busy: false });
    this.picker = h("input", { type: "file", multiple: true, accept: ENDINGS, hidden: true, onchange: () => this.#chosen() });
    this.progress = h("p", { role: "status" });
    this.wrong = h("ul", { class: "wrong", role: "alert" });
    this.el = h(
      "div",
      { class: "drop-zone" },
      h("p", { class: "row" }, button("Upload pictures…", () => this.picker.click(), { id: "upload" }), button("New folder…", () => this.#askFolder(), { id: "new-folder" }), h("span", { class: "hint" }, "or drop pictures here: they are copied into this folder.")),
      this.picker,
      this.progress,
      this.wrong,
    );
  }

  /* Lets pictures be dropped on an element. */
  dropOn(el) {
    let inside = 0;
    const over = (by) => el.classList.toggle("dropping", (inside = Math.max(0, inside + by)) > 0);
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    el.addEventListener("dragenter", (event) => carries(event) && (event.preventDefault(), over(1)));
    el.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    el.addEventListener("dragleave", () => over(-1));
    el.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      inside = 0;
      over(0);
      this.send([...event.dataTransfer.files]);
    });
  }

  #chosen() {
    this.send([...this.picker.files]);
    this.picker.value = "";
  }

  /* Sends files one after the other; a file that is refused does not stop the others. */
  async send(files) {
    if (this.busy || !files.length) return;
    this.busy = true;
    const folder = this.folder();
    const [refused, known] = [[], []];
    let stored = 0;
    show(this.wrong);
    for (const [i, file] of files.entries()) {
      this.progress.textContent = `Uploading ${i + 1} of ${counted(files.length, "picture")}…`;
      try {
        if (file.size > MOST) throw new Error(`${file.name} is larger than ${MOST >> 20} MB.`);
        const { is_new: isNew, name } = await api.upload(folder, file);
        isNew ? stored++ : known.push(name);
      } catch (error) {
        refused.push([error.message, error.hint].filter(Boolean).join(" – "));
      }
    }
    const there = known.length ? ` ${counted(known.length, "picture was", "pictures were")} there already.` : "";
    this.progress.textContent = `${counted(stored, "picture")} uploaded.${there}`;
    const more = refused.length - LISTED;
    show(this.wrong, refused.slice(0, LISTED).map((words) => h("li", {}, words)), more > 0 && h("li", {}, `${more} more could not be uploaded.`));
    this.busy = false;
    this.done(folder);
  }

  #askFolder() {
    const name = h("input", { type: "text", required: true, maxlength: 200, autocomplete: "off" });
    const wrong = h("p", { class: "wrong", role: "alert" });
    const form = h("form", {}, field("Name", name, `It is created in ${this.folder()}.`), wrong, h("button", { class: "primary" }, "Create"));
    const box = dialog("New folder", form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const { folder } = await api.post("/api/folders", { path: this.folder(), name: name.value.trim() });
        box.close();
        this.done(folder.path);
      } catch (error) {
        wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
      }
    });
    name.focus();
  }
}
