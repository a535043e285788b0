/** @file Op type → record, and queries over all records. Needed only to read GraphDefs and to list what exists; nodes hold their records. */
import { InternalError, NotFoundError } from '../errors.ts';
import type { OpRecord } from './record.ts';

export class OpRegistry {
  readonly #byType = new Map<string, OpRecord>();

  constructor(records: Iterable<OpRecord>) {
    for (const record of records) {
      const other = this.#byType.get(record.type);
      if (other !== undefined && other !== record)
        throw new InternalError(`two records declare the op ${record.type}.`);
      this.#byType.set(record.type, record);
    }
  }

  get(type: string): OpRecord | undefined {
    return this.#byType.get(type);
  }

  /** Throws NotFound naming near types. */
  require(type: string, nodeName?: string): OpRecord {
    const record = this.#byType.get(type);
    if (record !== undefined) return record;
    const near = [...this.#byType.keys()]
      .filter((t) => t.toLowerCase().includes(type.toLowerCase().slice(0, 4)))
      .slice(0, 4);
    const hint = near.length === 0 ? '' : ` Near types: ${near.join(', ')}.`;
    throw new NotFoundError(
      `the op is not registered; ${this.#byType.size} ops are.${hint}`,
      nodeName === undefined ? { opType: type } : { opType: type, nodeName },
    );
  }

  /** All records, by type. */
  list(): OpRecord[] {
    return [...this.#byType.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  }
}
