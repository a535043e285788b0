/**
 * @file Coded errors: TensorFlow's status codes as classes. A message is formatted from fields, so a program can read the
 * fact (code, op type, node, details) and a person the sentence. The table below is the only list of codes.
 */

/** Code name → number of `tensorflow.error.Code`. */
export const errorCodes = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorFields {
  /** Op type of the node at fault. */
  readonly opType?: string;
  /** Name of the node at fault. */
  readonly nodeName?: string;
  /** Values that a program may want: shapes, dtypes, names. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Base of all coded errors. `message` is `<Op> "<node>": <fact>. <repair>` when the node is known. */
export class TensorFlowError extends Error {
  readonly code: ErrorCode;
  readonly opType: string | undefined;
  readonly nodeName: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, text: string, fields: ErrorFields = {}) {
    super(withOrigin(text, fields), fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.code = code;
    this.opType = fields.opType;
    this.nodeName = fields.nodeName;
    this.details = fields.details ?? {};
  }
}

function withOrigin(text: string, { opType, nodeName }: ErrorFields): string {
  if (opType !== undefined && nodeName !== undefined) return `${opType} "${nodeName}": ${text}`;
  if (opType !== undefined) return `${opType}: ${text}`;
  if (nodeName !== undefined) return `"${nodeName}": ${text}`;
  return text;
}

export class CancelledError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('CANCELLED', text, fields);
  }
}
export class UnknownError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('UNKNOWN', text, fields);
  }
}
export class InvalidArgumentError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('INVALID_ARGUMENT', text, fields);
  }
}
export class DeadlineExceededError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('DEADLINE_EXCEEDED', text, fields);
  }
}
export class NotFoundError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('NOT_FOUND', text, fields);
  }
}
export class AlreadyExistsError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('ALREADY_EXISTS', text, fields);
  }
}
export class PermissionDeniedError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('PERMISSION_DENIED', text, fields);
  }
}
export class ResourceExhaustedError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('RESOURCE_EXHAUSTED', text, fields);
  }
}
export class FailedPreconditionError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('FAILED_PRECONDITION', text, fields);
  }
}
export class AbortedError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('ABORTED', text, fields);
  }
}
export class OutOfRangeError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('OUT_OF_RANGE', text, fields);
  }
}
export class UnimplementedError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('UNIMPLEMENTED', text, fields);
  }
}
export class InternalError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('INTERNAL', `internal: ${text}`, fields);
  }
}
export class UnavailableError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('UNAVAILABLE', text, fields);
  }
}
export class DataLossError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('DATA_LOSS', text, fields);
  }
}
export class UnauthenticatedError extends TensorFlowError {
  constructor(text: string, fields?: ErrorFields) {
    super('UNAUTHENTICATED', text, fields);
  }
}

/** The class of each code. */
export const errorClasses = {
  CANCELLED: CancelledError,
  UNKNOWN: UnknownError,
  INVALID_ARGUMENT: InvalidArgumentError,
  DEADLINE_EXCEEDED: DeadlineExceededError,
  NOT_FOUND: NotFoundError,
  ALREADY_EXISTS: AlreadyExistsError,
  PERMISSION_DENIED: PermissionDeniedError,
  RESOURCE_EXHAUSTED: ResourceExhaustedError,
  FAILED_PRECONDITION: FailedPreconditionError,
  ABORTED: AbortedError,
  OUT_OF_RANGE: OutOfRangeError,
  UNIMPLEMENTED: UnimplementedError,
  INTERNAL: InternalError,
  UNAVAILABLE: UnavailableError,
  DATA_LOSS: DataLossError,
  UNAUTHENTICATED: UnauthenticatedError,
} as const satisfies { readonly [C in ErrorCode]: unknown };
