/**
 * @file The one error of this package: bytes that are not what their format says.
 */

/** Where and how stored data is damaged. */
export interface DataLossDetails {
  /**
   * `truncated`: the data ends too early, and more of it may still come; `corrupt`: it is wrong, whatever follows;
   * `too large`: sound as far as it goes, but beyond the limit that the reader set.
   */
  readonly kind: 'truncated' | 'corrupt' | 'too large';
  /** Byte position (after decompression) of the record at fault; everything before it is sound. */
  readonly offset: number;
}

/** Damaged or incomplete data; `code` is TensorFlow's `DATA_LOSS`. */
export class DataLossError extends Error {
  readonly code = 'DATA_LOSS';
  readonly details: DataLossDetails;

  constructor(message: string, details: DataLossDetails, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DataLossError';
    this.details = details;
  }
}
