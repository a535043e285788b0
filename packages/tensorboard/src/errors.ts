/**
 * @file Coded errors of this package. Codes are TensorFlow's; what the operating system said is kept in `details`.
 */

export type EventFileErrorCode =
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNKNOWN';

/** An event file or log directory could not be used, or was used wrongly. */
export class EventFileError extends Error {
  readonly code: EventFileErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: EventFileErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EventFileError';
    this.code = code;
    this.details = details;
  }
}

/** The code and the repair for what an operating system call may answer. */
const systemErrors: Readonly<Record<string, readonly [EventFileErrorCode, string]>> = {
  ENOSPC: ['RESOURCE_EXHAUSTED', 'the disk is full. Free some space, then flush() again: nothing is lost yet'],
  EDQUOT: ['RESOURCE_EXHAUSTED', 'the disk quota is used up. Free some space, then flush() again: nothing is lost yet'],
  EMFILE: ['RESOURCE_EXHAUSTED', 'too many files are open. Close other writers'],
  ENOTDIR: ['FAILED_PRECONDITION', 'a file is where a directory is needed. Choose another log directory'],
  EEXIST: ['FAILED_PRECONDITION', 'a file is where a directory is needed. Choose another log directory'],
  EISDIR: ['FAILED_PRECONDITION', 'it is a directory; an event file is needed'],
  EACCES: ['PERMISSION_DENIED', 'this user may not do that there'],
  EPERM: ['PERMISSION_DENIED', 'this user may not do that there'],
  EROFS: ['PERMISSION_DENIED', 'the file system is read-only'],
  ENOENT: ['NOT_FOUND', 'no such file or directory'],
};

/** The coded form of an operating system error met while doing `what` (`cannot write "path"`). */
export function systemError(what: string, error: unknown): EventFileError {
  const errno = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const [code, why] = systemErrors[errno] ?? ['UNKNOWN', error instanceof Error ? error.message : String(error)];
  return new EventFileError(code, `${what}: ${why}${errno === '' ? '' : ` (${errno})`}`, { errno }, error);
}
