/**
 * @file Drops what a crashed run wrote and its successor wrote again, as TensorBoard does.
 *
 * Since event file version 2 a restart announces itself: each SessionLog START but the first drops every summary at or
 * after its step. Older files are recognised by a step that goes back, which drops the later values of the same tags.
 */
import { Event, SessionLog, Summary, toNumberChecked } from '@tsflow/formats';

const versionOf = (fileVersion: string): number => Number(/^brain\.Event:(\d+)$/.exec(fileVersion)?.[1] ?? 0);

const stepOf = (event: Event): number => toNumberChecked(event.step, 'the step of an event');

function withoutTags(event: Event, tags: ReadonlySet<string>): Event | undefined {
  const kept = event.summary?.value?.filter((value) => !tags.has(value.tag ?? '')) ?? [];
  if (kept.length === 0) return undefined;
  return Event.create({ ...event, summary: Summary.create({ value: kept }) });
}

/** Collects events in the order they were written, purging as it goes. */
export class PurgingLog {
  #events: Event[] = [];
  #version = 0;
  #starts = 0;
  #lastStep = Number.NEGATIVE_INFINITY;

  /** The events that are left. */
  get events(): readonly Event[] {
    return this.#events;
  }

  add(event: Event): void {
    if (event.what === 'fileVersion') this.#version = versionOf(event.fileVersion ?? '');
    if (this.#version >= 2) this.#purgeAtRestart(event);
    else this.#purgeOutOfOrder(event);
    this.#events.push(event);
  }

  #purgeAtRestart(event: Event): void {
    if (event.sessionLog?.status !== SessionLog.SessionStatus.START) return;
    this.#starts++;
    if (this.#starts === 1) return;
    const step = stepOf(event);
    this.#events = this.#events.filter((earlier) => earlier.what !== 'summary' || stepOf(earlier) < step);
  }

  #purgeOutOfOrder(event: Event): void {
    if (event.what !== 'summary') return;
    const step = stepOf(event);
    if (step < this.#lastStep) {
      const tags = new Set(event.summary?.value?.map((value) => value.tag ?? ''));
      this.#events = this.#events.flatMap((earlier) => {
        if (earlier.what !== 'summary' || stepOf(earlier) < step) return [earlier];
        return withoutTags(earlier, tags) ?? [];
      });
    }
    this.#lastStep = step;
  }
}
