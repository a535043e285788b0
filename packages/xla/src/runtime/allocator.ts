/**
 * @file Hands out ranges of a growing address space: best fit over free segments kept in address order, neighbours merge when freed.
 * It knows numbers only, no memory.
 */
import { internal } from '../hlo/errors.ts';

/** Every address and size is a multiple of this, so vectors and cache lines are aligned. */
export const alignment = 64;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

interface Segment {
  address: number;
  size: number;
}

export class Allocator {
  /** In address order; no two touch. */
  private readonly free: Segment[] = [];
  private readonly sizes = new Map<number, number>();
  private end: number;
  private used = 0;

  /** @param start first address, aligned. The space is empty until `extend`. */
  constructor(start: number) {
    this.end = start;
  }

  /** Bytes handed out. */
  get usedBytes(): number {
    return this.used;
  }

  /** End of the space known so far. */
  get endAddress(): number {
    return this.end;
  }

  /** Bytes missing at the end for an allocation of `bytes`, when no free segment holds it. */
  missing(bytes: number): number {
    const last = this.free.at(-1);
    const tail = last && last.address + last.size === this.end ? last.size : 0;
    return Math.max(0, alignUp(Math.max(bytes, 1)) - tail);
  }

  /** The space now ends at `end`. */
  extend(end: number): void {
    const size = end - this.end;
    if (size <= 0) return;
    const at = this.end;
    this.end = end;
    this.insert({ address: at, size });
  }

  /** An aligned address of `bytes` bytes (at least 64), or undefined when no segment is large enough. */
  allocate(bytes: number): number | undefined {
    const size = alignUp(Math.max(bytes, 1));
    let best = -1;
    for (let i = 0; i < this.free.length; i++) {
      const s = (this.free[i] as Segment).size;
      if (s < size || (best >= 0 && s >= (this.free[best] as Segment).size)) continue;
      best = i;
      if (s === size) break;
    }
    if (best < 0) return undefined;
    const segment = this.free[best] as Segment;
    const { address } = segment;
    if (segment.size === size) this.free.splice(best, 1);
    else {
      segment.address += size;
      segment.size -= size;
    }
    this.sizes.set(address, size);
    this.used += size;
    return address;
  }

  /** Gives an allocation back; throws for an address that is not allocated. */
  release(address: number): void {
    const size = this.sizes.get(address);
    if (size === undefined) throw internal(`address ${address} is not allocated`);
    this.sizes.delete(address);
    this.used -= size;
    this.insert({ address, size });
  }

  private insert(segment: Segment): void {
    let lo = 0;
    let hi = this.free.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if ((this.free[mid] as Segment).address < segment.address) lo = mid + 1;
      else hi = mid;
    }
    const before = this.free[lo - 1];
    const after = this.free[lo];
    const joinsBefore = before && before.address + before.size === segment.address;
    const joinsAfter = after && segment.address + segment.size === after.address;
    if (joinsBefore) {
      before.size += segment.size + (joinsAfter ? after.size : 0);
      if (joinsAfter) this.free.splice(lo, 1);
    } else if (joinsAfter) {
      after.address = segment.address;
      after.size += segment.size;
    } else {
      this.free.splice(lo, 0, segment);
    }
  }
}
