/**
 * @file One event file, open for writing: framed records go to the operating system whole and in order.
 *
 * Writing is synchronous, which bounds the memory that waits and lets a process that ends without `close` still save
 * its records. What a full disk cut off is continued where it stopped, so a file never has a hole.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Event, encodeRecord, type IEvent } from '@tsflow/formats';
import { EventFileError, systemError } from '../errors.ts';

/** The version that the first record of every event file states. */
const FILE_VERSION = 'brain.Event:2';

/** Files that still hold records in memory, for the end of the process. */
const unwritten = new Set<EventFile>();

function saveAll(): void {
  for (const file of unwritten) {
    try {
      file.write();
    } catch {
      // The process is ending: there is nobody left to tell.
    }
  }
}

function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Creates `events.out.tfevents.<seconds>.<host><suffix>`; a taken name moves on to the next second. */
function createFile(directory: string, suffix: string): { path: string; descriptor: number } {
  const host = hostname();
  for (let seconds = Math.floor(Date.now() / 1000); ; seconds++) {
    const path = join(directory, `events.out.tfevents.${String(seconds).padStart(10, '0')}.${host}${suffix}`);
    try {
      return { path, descriptor: openSync(path, 'wx') };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw systemError(`cannot create the event file "${path}"`, error);
    }
  }
}

export class EventFile {
  readonly path: string;
  readonly #descriptor: number;
  #pending: Uint8Array[] = [];
  #open = true;

  /** Creates the directory and a new file in it, with the version record. @throws EventFileError */
  constructor(directory: string, suffix = '') {
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw systemError(`cannot create the log directory "${directory}"`, error);
    }
    const { path, descriptor } = createFile(directory, suffix);
    this.path = path;
    this.#descriptor = descriptor;
    this.add({ wallTime: Date.now() / 1000, fileVersion: FILE_VERSION });
    this.write();
  }

  /** Records that wait in memory. */
  get pendingRecords(): number {
    return this.#pending.length;
  }

  /** Queues an event. */
  add(event: IEvent): void {
    if (!this.#open) throw new EventFileError('FAILED_PRECONDITION', `the event file "${this.path}" is closed`);
    this.#pending.push(encodeRecord(Event.encode(event).finish()));
    if (unwritten.size === 0) process.on('exit', saveAll);
    unwritten.add(this);
  }

  /** Hands all queued records to the operating system. @throws EventFileError; the rest stays queued. */
  write(): void {
    while (this.#pending.length > 0) {
      const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
        this.#pending = [];
      } catch (error) {
        this.#pending = [bytes.subarray(written)];
        throw systemError(`cannot write to the event file "${this.path}"`, error);
      }
    }
    unwritten.delete(this);
    if (unwritten.size === 0) process.off('exit', saveAll);
  }

  /** Writes what is queued and closes the file. Does nothing when closed. */
  close(): void {
    if (!this.#open) return;
    this.write();
    this.#open = false;
    closeSync(this.#descriptor);
  }
}
