/** @file Device names: `/job:ps/task:1/device:GPU:0` and the short forms `/cpu:0`, `/gpu:0`; inner scopes override parts of outer ones. */
import { InvalidArgumentError } from '../errors.ts';

interface DeviceSpec {
  readonly job?: string;
  readonly replica?: string;
  readonly task?: string;
  readonly type?: string;
  readonly index?: string;
}

/** Parts of a device name. Throws InvalidArgument for unknown parts. */
export function parseDevice(name: string): DeviceSpec {
  let spec: DeviceSpec = {};
  for (const part of name.split('/').filter((p) => p !== '')) spec = { ...spec, ...parsePart(part, name) };
  return spec;
}

function parsePart(part: string, name: string): DeviceSpec {
  const [key = '', a, b] = part.split(':');
  if ((key === 'job' || key === 'replica' || key === 'task') && a !== undefined) return { [key]: a };
  if (key === 'device' && a !== undefined) return withIndex(a, b);
  if (/^(cpu|gpu|tpu)$/i.test(key)) return withIndex(key, a);
  throw new InvalidArgumentError(
    `device "${name}" has the unknown part "${part}". Write names such as /cpu:0, /gpu:1 or /job:ps/task:0/device:CPU:0.`,
  );
}

function withIndex(type: string, index: string | undefined): DeviceSpec {
  return { type: type.toUpperCase(), ...(index === undefined || index === '*' ? {} : { index }) };
}

export function formatDevice(d: DeviceSpec): string {
  const parts = (['job', 'replica', 'task'] as const).flatMap((k) => (d[k] === undefined ? [] : [`/${k}:${d[k]}`]));
  if (d.type !== undefined) parts.push(`/device:${d.type}:${d.index ?? '*'}`);
  return parts.join('');
}

/** `inner` within `outer`: parts that `inner` names win. */
export function mergeDevices(outer: string, inner: string): string {
  return formatDevice({ ...parseDevice(outer), ...parseDevice(inner) });
}
