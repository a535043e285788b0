/** @file Mutual exclusion between asynchronous sections, first come first served. Taking a free lock costs no await. */
export class AsyncMutex {
  #locked = false;
  readonly #waiting: (() => void)[] = [];

  /** Takes the lock if it is free. */
  tryLock(): boolean {
    if (this.#locked) return false;
    this.#locked = true;
    return true;
  }

  async lock(): Promise<void> {
    if (this.tryLock()) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the lock to the next waiter. */
  unlock(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#locked = false;
    else next();
  }

  async run<R>(body: () => Promise<R> | R): Promise<R> {
    await this.lock();
    try {
      return await body();
    } finally {
      this.unlock();
    }
  }
}
