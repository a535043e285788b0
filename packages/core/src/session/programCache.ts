/** @file Bounds the compiled programs of a session: the least recently used one goes when there are too many. */
import type { ClusterProgram } from './clusterStage.ts';

export class ProgramCache {
  readonly #limit: number;
  /** In order of use, oldest first; each with the list that holds it. */
  readonly #order = new Map<ClusterProgram, ClusterProgram[]>();

  constructor(limit = 128) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#order.size;
  }

  /** Adds a program to the front of its list; may dispose others. */
  add(program: ClusterProgram, list: ClusterProgram[]): void {
    list.unshift(program);
    this.#order.set(program, list);
    for (const old of [...this.#order.keys()]) {
      if (this.#order.size <= this.#limit) break;
      if (old !== program && old.users === 0) this.#drop(old);
    }
  }

  #drop(program: ClusterProgram): void {
    const holder = this.#order.get(program) ?? [];
    this.#order.delete(program);
    holder.splice(holder.indexOf(program), 1);
    program.dispose();
  }

  /** Drops the programs of one list; those in use stay until the bound reaches them. */
  dropAll(list: readonly ClusterProgram[]): void {
    for (const program of [...list]) if (program.users === 0) this.#drop(program);
  }

  /** Marks a program as used; it becomes the first that its list tries. */
  touch(program: ClusterProgram, list: ClusterProgram[]): void {
    if (list[0] !== program) {
      list.splice(list.indexOf(program), 1);
      list.unshift(program);
    }
    this.#order.delete(program);
    this.#order.set(program, list);
  }

  clear(): void {
    for (const [program, list] of this.#order) {
      list.splice(list.indexOf(program), 1);
      program.dispose();
    }
    this.#order.clear();
  }
}
