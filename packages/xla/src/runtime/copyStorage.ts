/** @file Checked copies between typed arrays of one element type. */
import { XlaError } from '../hlo/errors.ts';
import type { Storage } from '../hlo/literal.ts';
import { type ArrayShape, shapeText } from '../hlo/shape.ts';

/** Copies `from` over `to`, the storage of an array of `shape`; both must have the same type and length. */
export function copyStorage(to: Storage, from: Storage, shape: ArrayShape): void {
  if (from.length !== to.length || from.constructor !== to.constructor) {
    const received = `${from.constructor.name} of ${from.length}`;
    const expected = `${to.constructor.name} of ${to.length}`;
    throw new XlaError(
      'INVALID_ARGUMENT',
      `write to ${shapeText(shape)} takes ${expected} elements, received ${received}`,
    );
  }
  // Typed arrays of one constructor copy into each other without conversion.
  (to as { set(source: Storage): void }).set(from);
}
