// Sections by the address's hash, and keys that work everywhere.

import { byId, complain } from "/page/dom.js";
import { initArticle } from "/page/article.js";
import { showJobs } from "/page/jobs.js";
import { showModels } from "/page/models.js";
import { showNumbers } from "/page/numbers.js";
import { initReview, showReview } from "/page/review.js";
import { showBanner } from "/page/trust.js";
import { initVocabulary, showVocabulary } from "/page/vocabulary.js";

const TITLES = { article: "Статья", review: "Очередь", vocabulary: "Словарь", models: "Модели", jobs: "Задания", numbers: "Числа" };
const LETTERS = "rubricator.letters"; // in the browser's memory: whether keys without Ctrl are on

const article = initArticle();
const review = initReview();
const vocabulary = initVocabulary();
const shows = { review: () => showReview(), vocabulary: showVocabulary, models: showModels, jobs: showJobs, numbers: showNumbers };
const keys = { article: article.key, review: review.key, vocabulary: vocabulary.key };

/** #article, #review, …; #prediction=… opens an answer, #vocabulary=… looks a tag up. */
async function show(focus) {
  const [hash, id] = location.hash.slice(1).split("=");
  const name = hash === "prediction" || !TITLES[hash] ? "article" : hash;
  for (const each of Object.keys(TITLES)) byId(`view-${each}`).hidden = each !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${TITLES[name]} – rubricator`;
  byId("alert").replaceChildren();
  byId("status").replaceChildren();
  if (focus) byId(`heading-${name}`).focus();
  showBanner();
  try {
    if (hash === "prediction" && id) await article.openPrediction(decodeURIComponent(id));
    else await shows[name]?.(id && decodeURIComponent(id));
  } catch (problem) {
    complain(problem.message);
  }
}

function lettersAreOn() {
  return byId("letters").checked;
}

function types(target) {
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target.tagName === "INPUT" && !["checkbox", "radio", "button", "submit", "file"].includes(target.type);
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.isComposing) return;
  const section = Object.keys(keys).find((name) => !byId(`view-${name}`).hidden);
  if (!section) return;
  const control = event.ctrlKey || event.metaKey;
  let done = false;
  if (control && event.key === "Enter") done = section === "article" && article.confirm();
  else if (!control && !event.shiftKey && lettersAreOn() && !types(event.target)) done = keys[section](event.code);
  if (done) event.preventDefault();
});

byId("letters").checked = localStorage.getItem(LETTERS) !== "off";
byId("letters").addEventListener("change", () => localStorage.setItem(LETTERS, lettersAreOn() ? "on" : "off"));
addEventListener("hashchange", () => show(true));
show(false);
