import { expect, test } from 'vitest';
import { timeCalls } from './timing.ts';

/** A clock that stands still between calls, and calls that take the given milliseconds (the last one again and again). */
function fake(...durations: number[]) {
  let now = 0;
  let calls = 0;
  const call = () => {
    now += durations[Math.min(calls++, durations.length - 1)] ?? 0;
  };
  return { call, clock: () => now, calls: () => calls };
}

const time = async (durations: readonly number[], inner = 1, warm = 2) => {
  const { call, clock, calls } = fake(...durations);
  return { ...(await timeCalls(call, { inner, warm }, clock)), calls: calls() };
};

test('runs short calls until a second has passed', async () => {
  const { first, times, calls } = await time([500, 50]);
  expect(first).toBe(500);
  expect(times).toEqual(Array(21).fill(50)); // the 21st ends after 1.05 s
  expect(calls).toBe(2 + 21);
});

test('runs at least 10 times when a run takes under a second, 3 when under 8, else once', async () => {
  expect((await time([900])).times).toHaveLength(10);
  expect((await time([1000])).times).toHaveLength(3);
  expect((await time([7999])).times).toHaveLength(3);
  expect((await time([8000])).times).toHaveLength(1);
});

test('stops after 200 runs', async () => {
  expect((await time([0.001])).times).toHaveLength(200);
});

test('takes a first call of over 15 s as the only run', async () => {
  expect(await time([15001])).toEqual({ first: 15001, times: [15001], calls: 1 });
});

test('does not warm up further after a first call of 5 s', async () => {
  expect((await time([6000], 1, 5)).calls).toBe(1 + 3);
  expect((await time([4000], 1, 5)).calls).toBe(5 + 3);
});

test('divides a run by its inner calls, and judges the run by their sum', async () => {
  const { times, calls } = await time([500], 4);
  expect(times).toEqual([500, 500, 500]);
  expect(calls).toBe(2 + 3 * 4);
});

test('awaits asynchronous calls one by one', async () => {
  let open = 0;
  let most = 0;
  const call = async () => {
    most = Math.max(most, ++open);
    await Promise.resolve();
    open--;
  };
  await timeCalls(call, { inner: 3, warm: 2 });
  expect(most).toBe(1);
});
