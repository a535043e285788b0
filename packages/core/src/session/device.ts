/**
 * @file Backends in use. Sessions with the same target and thread count share one backend (workers are costly); its runs are
 * serialised by one lock, as a backend asks.
 */
import { type Backend, type BackendName, createBackend } from '@tsflow/xla';
import { AsyncMutex } from './mutex.ts';

export interface Device {
  readonly backend: Backend;
  /** Held while anything runs on the backend. */
  readonly lock: AsyncMutex;
}

const devices = new Map<string, Promise<Device>>();

/** The device of a target; made on first use and kept for later sessions. */
export function acquireDevice(target: BackendName, threads: number | undefined): Promise<Device> {
  const key = `${target}/${threads ?? 'all'}`;
  const known = devices.get(key);
  if (known !== undefined) return known;
  const device = createBackend(target, threads === undefined ? {} : { threads }).then(
    (backend): Device => ({ backend, lock: new AsyncMutex() }),
  );
  devices.set(key, device);
  device.catch(() => devices.delete(key));
  return device;
}

/** Ends all backends: workers stop and memory is given back. Sessions must be closed before. */
export async function disposeDevices(): Promise<void> {
  const all = [...devices.values()];
  devices.clear();
  for (const device of all) await (await device).backend.dispose();
}
