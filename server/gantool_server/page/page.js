"use strict";
const WORDS = {
  calls: "Calls for programs", what: "What to do", choose: "Choose pictures", sample: "Try a sample",
  drop: "or drop or paste them here", verb: "Do", model: "Model", options: "Options", format: "Format",
  same: "as the picture", run: "Start", brush: "What is to be filled",
  brushHow: "Paint over it. By keyboard: arrows move, Space paints.", brushWidth: "Brush", clear: "Clear",
  queue: "Pictures", all: "Download all", result: "Result", slider: "Before and after", fit: "Fit", full: "1:1",
  save: "Download", token: "Token", tokenHow: "This server wants a token:", enter: "Enter", licence: "Licence",
  none: "Choose a picture first.", noBrush: "Paint over what is to be filled first.", waiting: "waiting, place",
  running: "running", done: "done", failed: "failed", cancelled: "cancelled", remove: "Remove", show: "Show",
  before: "before", after: "after", noToken: "Without its token the server does nothing. Load the page again to enter it.",
  crowded: "Many pictures wait. This one is sent as soon as there is room.", unreachable: "The server does not answer.", chosen: "pictures are chosen",
  ofModel: "the usual one", any: "any", pose: "Pose (JSON)", style: "Style (picture)",
};
const get = id => document.getElementById(id);
const make = (tag, values = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
};
for (const element of document.querySelectorAll("[data-word]")) element.textContent = WORDS[element.dataset.word];

let token = sessionStorage.getItem("token"), told = { models: [], verbs: [] }, chosen = [], jobs = [], shown = null;

// --- calls ---------------------------------------------------------------------------------------------------------

async function call(path, values = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  let answer;
  try {
    answer = await fetch(path, { ...values, headers });
  } catch {
    throw new Error(WORDS.unreachable);
  }
  if (answer.status === 401) {
    token = await askToken();
    return call(path, values);
  }
  if (answer.status === 503 && answer.headers.has("retry-after")) {
    say(WORDS.crowded);
    await new Promise(resolve => setTimeout(resolve, 1000 * answer.headers.get("retry-after")));
    say("");
    return call(path, values);
  }
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error?.message ?? answer.statusText);
  return answer;
}
function askToken() {
  return new Promise((resolve, reject) => {
    get("ask").returnValue = "";
    get("ask").showModal();
    get("ask").addEventListener("close", () => {
      if (!get("ask").returnValue) return reject(new Error(WORDS.noToken));
      sessionStorage.setItem("token", get("token").value);
      resolve(get("token").value);
    }, { once: true });
  });
}

// --- what to do ----------------------------------------------------------------------------------------------------

const verb = () => told.verbs.find(each => each.name === get("verb").value);
const model = () => told.models.find(each => each.name === get("model").value);
const say = text => { get("message").textContent = text; };

async function begin() {
  told = await (await call("/v1/models")).json();
  get("verb").append(...told.verbs.map(each => make("option", { value: each.name, textContent: `${each.name}: ${each.does}` })));
  get("format").append(make("option", { value: "", textContent: WORDS.same }));
  for (const name of ["png", "jpg", "webp", "avif", "tif"]) get("format").append(make("option", { value: name, textContent: name }));
  showVerb();
}
function showVerb() {
  const models = told.models.filter(each => each.task === verb().name);
  const usual = verb().model ? [make("option", { value: "", textContent: WORDS.ofModel })] : [];
  get("model").replaceChildren(...usual, ...models.map(each => make("option", { value: each.name, textContent: each.name })));
  get("drop").hidden = !verb().takes_picture;
  showModel();
  showBrush();
}
function showModel() {
  const found = model();
  get("about").textContent = found ? `${found.description}. ${WORDS.licence}: ${found.licence || "?"}` : "";
  const files = Object.keys(verb().files).filter(name => name !== "mask").map(fileField);
  const fields = Object.entries(verb().options.properties).filter(([name]) => fits(name, found));
  get("fields").replaceChildren(...files, ...fields.map(([name, schema]) => field(name, schema, found)));
  get("options").hidden = !get("fields").childElementCount;
}
function fits(name, found) {
  const takes = found?.takes ?? [];
  if (name === "label" || name === "to") return takes.includes("label");
  if (verb().name !== "generate") return true;
  return { codes: takes.includes("code"), text: takes.includes("text"), stage: false }[name] ?? true;
}
function field(name, schema, found) {
  const id = `option-${name}`, label = make("label", { htmlFor: id, textContent: name.replaceAll("_", " ") });
  let input;
  if (name === "to" || name === "label") {
    input = labels(name, found);
  } else if (schema.type === "boolean") {
    input = make("input", { type: "checkbox", checked: schema.default === true });
  } else if (schema.type === "integer" || schema.type === "number") {
    input = make("input", { type: "number", step: schema.type === "integer" ? "1" : "any", placeholder: schema.default ?? "" });
    if (schema.minimum !== undefined) input.min = schema.minimum;
    if (schema.maximum !== undefined) input.max = schema.maximum;
  } else {
    input = make("input", { type: "text" });
  }
  input.id = id;
  input.name = name;
  const help = make("small", { className: "quiet", id: `${id}-help`, textContent: schema.description });
  input.setAttribute("aria-describedby", help.id);
  return make("div", { className: "row" }, label, input, help);
}
function labels(name, found) {
  const ports = Object.entries(found.labels), several = ports.length > 1;
  const choices = ports.map(([port, names]) => {
    const any = name === "label" ? [make("option", { value: "", textContent: WORDS.any })] : [];
    const each = names.map(label => make("option", { value: several ? `${label} ${port}` : label, textContent: label }));
    const choice = make("select", {}, ...any, ...each);
    if (several) choice.setAttribute("aria-label", port);
    return choice;
  });
  if (!several) return choices[0];
  const box = make("span", { className: "row" }, ...choices);
  Object.defineProperty(box, "value", { get: () => choices.map(choice => choice.value).filter(Boolean).join(", ") });
  return box;
}
function fileField(name) {
  const id = `file-${name}`;
  const input = make("input", { id, name, type: "file", accept: name === "pose" ? ".json" : "image/*" });
  return make("div", { className: "row" }, make("label", { htmlFor: id, textContent: WORDS[name] ?? name }), input);
}
function said() {
  const form = new FormData();
  for (const input of get("fields").querySelectorAll("[id]")) {
    if (input.type === "file") { if (input.files[0]) form.append(input.name, input.files[0]); }
    else if (input.type === "checkbox") { if (input.checked) form.append(input.name, "true"); }
    else if (input.value) form.append(input.name, input.value);
  }
  form.append("verb", verb().name);
  if (get("model").value) form.append("model", get("model").value);
  if (get("format").value) form.append("format", get("format").value);
  return form;
}

// --- pictures ------------------------------------------------------------------------------------------------------

async function choose(files) {
  chosen = [...files].filter(file => file.type.startsWith("image/"));
  if (!chosen.length) return;
  say("");
  get("status").textContent = chosen.length === 1 ? chosen[0].name : `${chosen.length} ${WORDS.chosen}`;
  if (await isGray(chosen[0])) { get("verb").value = "colorize"; showVerb(); }
  showBrush();
}
async function isGray(file) {
  const bitmap = await createImageBitmap(file, { resizeWidth: 32, resizeHeight: 32 }).catch(() => null);
  if (!bitmap || !told.verbs.some(each => each.name === "colorize")) return false;
  const context = make("canvas", { width: 32, height: 32 }).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, 32, 32);
  for (let i = 0; i < data.length; i += 4) {
    if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 12) return false;
  }
  return true;
}
get("files").addEventListener("change", event => choose(event.target.files));
get("sample").addEventListener("click", async () => {
  const blob = await (await call("/sample.jpg")).blob();
  choose([new File([blob], "sample.jpg", { type: "image/jpeg" })]);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, event => {
    event.preventDefault();
    get("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") choose(event.dataTransfer.files);
  });
}
document.addEventListener("paste", event => { if (event.clipboardData.files.length) choose(event.clipboardData.files); });
get("verb").addEventListener("change", showVerb);
get("model").addEventListener("change", showModel);

// --- the brush -----------------------------------------------------------------------------------------------------

const canvas = get("canvas"), strokes = document.createElement("canvas");
let painted = false, background = null, at = null;

async function showBrush() {
  const wanted = verb()?.name === "inpaint" && chosen.length > 0;
  get("brush").hidden = !wanted;
  if (!wanted) return;
  background = await createImageBitmap(chosen[0]).catch(() => null);
  if (!background) return;
  for (const each of [canvas, strokes]) { each.width = background.width; each.height = background.height; }
  painted = false;
  at = [canvas.width / 2, canvas.height / 2];
  draw();
}
function draw() {
  const context = canvas.getContext("2d");
  context.drawImage(background, 0, 0);
  context.globalAlpha = .7;
  context.drawImage(strokes, 0, 0);
  context.globalAlpha = 1;
  if (document.activeElement === canvas) {
    context.strokeStyle = "#e00";
    context.lineWidth = Math.max(1, canvas.width / 300);
    context.beginPath();
    context.arc(at[0], at[1], radius(), 0, 7);
    context.stroke();
  }
}
const radius = () => get("width").value / 200 * Math.max(canvas.width, canvas.height);
function paint(x, y) {
  const context = strokes.getContext("2d");
  context.strokeStyle = context.fillStyle = "#fff";
  context.lineCap = "round";
  context.lineWidth = 2 * radius();
  context.beginPath();
  context.moveTo(...at);
  context.lineTo(x + .01, y);
  context.stroke();
  at = [x, y];
  painted = true;
  draw();
}
const place = event => {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
};
canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); at = place(event); paint(...at); });
canvas.addEventListener("pointermove", event => { if (event.buttons) paint(...place(event)); });
canvas.addEventListener("keydown", event => {
  const step = radius(), moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (event.key === " ") paint(...at);
  else if (moves[event.key]) {
    at = [Math.min(canvas.width, Math.max(0, at[0] + moves[event.key][0])), Math.min(canvas.height, Math.max(0, at[1] + moves[event.key][1]))];
    draw();
  } else return;
  event.preventDefault();
});
for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => background && draw());
get("clear").addEventListener("click", showBrush);
function mask() {
  const whole = make("canvas", { width: strokes.width, height: strokes.height }), context = whole.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, whole.width, whole.height);
  context.drawImage(strokes, 0, 0);
  return new Promise(resolve => whole.toBlob(resolve, "image/png"));
}

// --- the queue -----------------------------------------------------------------------------------------------------

get("form").addEventListener("submit", async event => {
  event.preventDefault();
  say("");
  const filling = verb().name === "inpaint";
  const pictures = !verb().takes_picture ? [null] : filling ? chosen.slice(0, 1) : chosen;
  if (!pictures.length) return say(WORDS.none);
  if (filling && !painted && !get("option-box")?.value) return say(WORDS.noBrush);
  for (const picture of pictures) {
    const form = said();
    if (picture) form.append("file", picture, "picture");
    if (filling && painted) form.append("mask", await mask(), "mask");
    try {
      const told = await (await call("/v1/jobs", { method: "POST", body: form })).json();
      follow({ ...told, name: picture?.name ?? verb().name, picture });
    } catch (error) {
      say(`${picture ? `${picture.name}: ` : ""}${error.message}`);
    }
  }
});
function follow(job) {
  jobs.push(job);
  job.bar = make("progress", { max: 1, value: 0 });
  job.bar.setAttribute("aria-label", job.name);
  job.said = make("span", { className: "quiet" });
  job.cross = make("button", { type: "button", textContent: "\u2715", title: WORDS.remove });
  job.cross.setAttribute("aria-label", `${WORDS.remove}: ${job.name}`);
  job.look = make("button", { type: "button", textContent: WORDS.show, hidden: true });
  job.row = make("li", {}, make("span", { className: "name", textContent: `${job.name} (${job.verb})` }), job.bar, job.said, job.look, job.cross);
  job.cross.addEventListener("click", () => remove(job));
  job.look.addEventListener("click", () => show(job));
  get("queue").append(job.row);
  watch(job);
}
async function watch(job) {
  while (!job.gone) {
    try {
      Object.assign(job, await (await call(`/v1/jobs/${job.id}`)).json());
    } catch (error) {
      Object.assign(job, { state: "failed", error });
    }
    if (job.gone) return;
    job.bar.value = job.share;
    job.said.textContent = { queued: `${WORDS.waiting} ${job.position}`, failed: `${WORDS.failed}: ${job.error?.message}` }[job.state] ?? WORDS[job.state];
    if (["done", "failed", "cancelled"].includes(job.state)) break;
    await new Promise(resolve => setTimeout(resolve, 250));
  }
  if (job.state !== "done") return;
  try {
    const answer = await call(job.result);
    job.file = /filename="(.+?)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "result";
    job.blob = await answer.blob();
  } catch (error) {
    return say(error.message);
  }
  job.bar.hidden = true;
  job.look.hidden = false;
  get("all").hidden = jobs.filter(each => each.blob).length < 2;
  get("status").textContent = `${job.name}: ${WORDS.done}`;
  if (!shown || !jobs.some(each => each !== job && !each.blob)) show(job);
}
function remove(job) {
  job.gone = true;
  call(`/v1/jobs/${job.id}`, { method: "DELETE" }).catch(() => {});
  jobs = jobs.filter(each => each !== job);
  job.row.remove();
  if (shown === job) { shown = null; get("view").hidden = true; }
  get("all").hidden = jobs.filter(each => each.blob).length < 2;
}

// --- before and after ----------------------------------------------------------------------------------------------

const stage = get("stage"), before = get("before"), after = get("after");
let zoom = 1, x = 0, y = 0, held = null;

async function show(job) {
  shown = job;
  get("view").hidden = false;
  for (const image of [before, after]) if (image.src) URL.revokeObjectURL(image.src);
  after.src = URL.createObjectURL(job.blob);
  after.alt = `${job.name}: ${WORDS.after}`;
  if (job.picture) { before.src = URL.createObjectURL(job.picture); before.alt = `${job.name}: ${WORDS.before}`; }
  else before.removeAttribute("src");
  get("save").href = after.src;
  get("save").download = named(job);
  await Promise.all([before, after].filter(image => image.src).map(image => image.decode().catch(() => {})));
  stage.hidden = !after.naturalWidth;  // a TIFF file, of which browsers show nothing
  before.hidden = get("edge").hidden = get("slider").parentElement.hidden = stage.hidden || !before.naturalWidth;
  fit();
}
const named = job => `${job.name.replace(/\.[^.]*$/, "")}-${job.verb}${/\.[^.]*$/.exec(job.file)?.[0] ?? ""}`;
function lay() {
  const width = after.naturalWidth, cut = get("slider").value / 100;
  for (const image of [before, after]) {
    image.style.width = `${width}px`;
    image.style.height = `${after.naturalHeight}px`;
    image.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
  }
  const edge = cut * stage.clientWidth;
  before.style.clipPath = `inset(0 ${Math.max(0, width - (edge - x) / zoom)}px 0 0)`;
  get("edge").style.left = `${edge}px`;
}
function fit() {
  zoom = Math.min(stage.clientWidth / after.naturalWidth, stage.clientHeight / after.naturalHeight, 8);
  x = (stage.clientWidth - after.naturalWidth * zoom) / 2;
  y = (stage.clientHeight - after.naturalHeight * zoom) / 2;
  lay();
}
function scale(factor, px = stage.clientWidth / 2, py = stage.clientHeight / 2) {
  const next = Math.min(16, Math.max(.02, zoom * factor));
  x = px - (px - x) * next / zoom;
  y = py - (py - y) * next / zoom;
  zoom = next;
  lay();
}
stage.addEventListener("pointerdown", event => { stage.setPointerCapture(event.pointerId); held = [event.clientX, event.clientY]; });
stage.addEventListener("pointermove", event => {
  if (!held) return;
  x += event.clientX - held[0];
  y += event.clientY - held[1];
  held = [event.clientX, event.clientY];
  lay();
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => { held = null; });
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  scale(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
get("slider").addEventListener("input", lay);
get("fit").addEventListener("click", fit);
get("full").addEventListener("click", () => scale(1 / zoom));
addEventListener("resize", () => { if (shown) fit(); });

// --- all of them in one file: a zip without compression, since pictures are compressed already ---------------------

get("all").addEventListener("click", async () => {
  const url = URL.createObjectURL(await zip(jobs.filter(each => each.blob)));
  make("a", { href: url, download: "gantool.zip" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
});
async function zip(files) {
  const parts = [], listed = [];
  let offset = 0;
  for (const [number, job] of files.entries()) {
    const name = new TextEncoder().encode(`${number + 1}-${named(job)}`), data = new Uint8Array(await job.blob.arrayBuffer());
    const facts = [20, 0x800, 0, 0, 0x21, [crc(data)], [data.length], [data.length], name.length, 0];
    parts.push(bytes([[0x04034b50], ...facts]), name, data);
    listed.push(bytes([[0x02014b50], 20, ...facts, 0, 0, 0, [0], [offset]]), name);
    offset += 30 + name.length + data.length;
  }
  const length = listed.reduce((sum, part) => sum + part.length, 0);
  return new Blob([...parts, ...listed, bytes([[0x06054b50], 0, 0, files.length, files.length, [length], [offset], 0])], { type: "application/zip" });
}
function bytes(numbers) {
  const view = new DataView(new ArrayBuffer(numbers.reduce((sum, each) => sum + (Array.isArray(each) ? 4 : 2), 0)));
  let at = 0;
  for (const each of numbers) {
    if (Array.isArray(each)) { view.setUint32(at, each[0], true); at += 4; } else { view.setUint16(at, each, true); at += 2; }
  }
  return new Uint8Array(view.buffer);
}
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1; return n; });
function crc(data) {
  let value = -1;
  for (const byte of data) value = TABLE[(value ^ byte) & 255] ^ value >>> 8;
  return (value ^ -1) >>> 0;
}

begin().catch(error => say(error.message));
