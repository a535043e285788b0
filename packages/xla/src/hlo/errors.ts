/**
 * @file The one error class of the compiler. A user's mistake says what met what and how to repair it; `INTERNAL` is ours to fix
 * and its message starts with `internal:`.
 */

export type XlaErrorCode =
  | 'INVALID_ARGUMENT'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'RESOURCE_EXHAUSTED'
  | 'NOT_FOUND'
  | 'FAILED_PRECONDITION'
  | 'DATA_LOSS'
  | 'ABORTED'
  | 'DEADLINE_EXCEEDED';

/** What an error is about; all optional, all repeated in the message. */
export interface XlaErrorDetails {
  /** HLO opcode at fault. */
  readonly opcode?: string;
  /** Node of the source graph (`metadata.opName`). */
  readonly opName?: string;
  readonly cause?: unknown;
}

/** An error of the compiler or of a compiled program, with a TensorFlow-style status code. */
export class XlaError extends Error {
  override readonly name = 'XlaError';
  readonly code: XlaErrorCode;
  readonly opcode: string | undefined;
  readonly opName: string | undefined;

  constructor(code: XlaErrorCode, message: string, details: XlaErrorDetails = {}) {
    super(prefixed(message, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.opcode = details.opcode;
    this.opName = details.opName;
  }
}

/** `add "dense/BiasAdd": message` */
function prefixed(message: string, { opcode, opName }: XlaErrorDetails): string {
  if (opcode === undefined && opName === undefined) return message;
  const who = [opcode, opName === undefined ? undefined : `"${opName}"`].filter((s) => s !== undefined).join(' ');
  return `${who}: ${message}`;
}

export function invalidArgument(message: string, details?: XlaErrorDetails): XlaError {
  return new XlaError('INVALID_ARGUMENT', message, details);
}

export function unimplemented(message: string, details?: XlaErrorDetails): XlaError {
  return new XlaError('UNIMPLEMENTED', message, details);
}

/** A broken invariant of this package. */
export function internal(message: string, details?: XlaErrorDetails): XlaError {
  return new XlaError('INTERNAL', `internal: ${message}`, details);
}
