// What an editor makes of an answer: chosen labels, and which heads were looked at.

const MOST_RUBRICS = 9; // as many as there are keys

export class Decision {
  constructor(annotation) {
    this.annotation = annotation;
    this.looked = { rubric: false, regions: false, tags: false };
    this.rubrics = [annotation.rubric, ...(annotation.alternatives ?? [])].filter(Boolean).slice(0, MOST_RUBRICS);
    this.rubric = annotation.rubric?.id ?? null;
    this.lists = { regions: [...(annotation.regions ?? [])], tags: [...(annotation.tags ?? [])] };
    const chosen = (list) => new Set(list.filter((one) => one.decision !== "abstain").map((one) => one.id));
    this.chosen = { regions: chosen(this.lists.regions), tags: chosen(this.lists.tags) };
  }

  pick(id) {
    this.rubric = id;
    this.looked.rubric = true;
  }

  toggle(head, id, on) {
    if (on) this.chosen[head].add(id);
    else this.chosen[head].delete(id);
    this.looked[head] = true;
  }

  /** A label that was not in the answer. One without an id is new: its name is its id until a model has learnt it. */
  add(head, { id, label }) {
    const one = { id: id ?? label, label };
    if (head === "rubric") {
      if (!this.rubrics.some((each) => each.id === one.id)) this.rubrics.splice(MOST_RUBRICS - 1, 1, one);
      this.pick(one.id);
    } else {
      if (!this.lists[head].some((each) => each.id === one.id)) this.lists[head].push(one);
      this.toggle(head, one.id, true);
    }
    return one;
  }

  acceptAll() {
    for (const head of ["regions", "tags"]) this.looked[head] ||= this.annotation[head] !== undefined;
    this.looked.rubric ||= this.rubric !== null; // that there is none has to be said by hand
  }

  /** As /corrections takes it: only heads that were looked at; [] is emptied on purpose. */
  final(vocabulary) {
    const sent = (head, one) =>
      !vocabulary || vocabulary[head].some((each) => each.id === one.id) ? { id: one.id } : { label: one.label };
    const final = {};
    if (this.looked.rubric) {
      const one = this.rubrics.find((each) => each.id === this.rubric);
      final.rubric = one ? sent("rubric", one) : [];
    }
    for (const head of ["regions", "tags"]) {
      if (!this.looked[head]) continue;
      final[head] = this.lists[head].filter((one) => this.chosen[head].has(one.id)).map((one) => sent(head, one));
    }
    return final;
  }
}
