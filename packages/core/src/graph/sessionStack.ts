/** @file The default session of `tensor.eval()` and `operation.run()`: a stack of whatever can run fetches. */
import { FailedPreconditionError } from '../errors.ts';
import type { NdArray, NdArrayLike } from '../ndarray.ts';
import type { Operation } from './operation.ts';
import type { Tensor } from './tensor.ts';

/** Values of placeholders (or any fed tensor): pairs, a Map, or a record by name. */
export type Feeds =
  | readonly (readonly [Tensor | string, NdArrayLike])[]
  | ReadonlyMap<Tensor | string, NdArrayLike>
  | Readonly<Record<string, NdArrayLike>>;

/** The part of a Session that graph objects use. */
export interface Evaluator {
  evaluate(tensor: Tensor, feeds?: Feeds): Promise<NdArray>;
  execute(op: Operation, feeds?: Feeds): Promise<void>;
}

const stack: Evaluator[] = [];

export function pushDefaultSession(session: Evaluator): void {
  stack.push(session);
}

export function popDefaultSession(session: Evaluator): void {
  const i = stack.lastIndexOf(session);
  if (i >= 0) stack.splice(i, 1);
}

/** The innermost default session, or null. */
export function getDefaultSession(): Evaluator | null {
  return stack.at(-1) ?? null;
}

export function requireDefaultSession(what: string): Evaluator {
  const session = getDefaultSession();
  if (session !== null) return session;
  throw new FailedPreconditionError(
    `${what} needs a default session. Make one with new InteractiveSession() or session.asDefault(fn), or use session.run.`,
  );
}
