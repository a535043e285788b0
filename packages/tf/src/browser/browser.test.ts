import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PageResult, trainSmallNet } from './testing.ts';

const candidates = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executablePath = candidates.find((path) => path !== undefined && existsSync(path));
const skipped = executablePath === undefined ? ' (skipped: no Chromium found; CHROMIUM_PATH names one)' : '';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** What a page needs for shared memory, and so for threads. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** Serves a page with the bundle as its script. */
async function serve(script: string, headers: Record<string, string>): Promise<Server> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    const type = isScript ? 'text/javascript' : 'text/html';
    response.writeHead(200, { 'content-type': type, ...headers });
    response.end(
      isScript
        ? script
        : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe.skipIf(executablePath === undefined)(`in Chromium${skipped}`, () => {
  let script = '';
  let browser: Browser;
  let expected: PageResult;

  beforeAll(async () => {
    const entryPoints = [fileURLToPath(new URL('testing.ts', import.meta.url))];
    const { outputFiles } = await build({
      entryPoints,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: ['tsflow-source'],
      logLevel: 'error',
    });
    script = outputFiles[0]?.text ?? '';
    expected = await trainSmallNet();
    browser = await chromium.launch({ ...(executablePath !== undefined && { executablePath }), args: flags });
  });
  afterAll(() => browser?.close());

  async function visit(
    headers: Record<string, string>,
  ): Promise<{ result: PageResult; isolated: boolean; complaints: string[] }> {
    const server = await serve(script, headers);
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'trainSmallNet' in globalThis);
    const result = await page.evaluate(() =>
      (globalThis as typeof globalThis & { trainSmallNet(): Promise<PageResult> }).trainSmallNet(),
    );
    const isolated = await page.evaluate(
      () => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true,
    );
    await page.close();
    server.close();
    return { result, isolated, complaints };
  }

  test('the bundle names no module of Node', () => {
    expect(script).not.toMatch(/from ?["']node:|import\(["']node:/);
  });

  test('trains on worker threads where memory can be shared, and the page stays alive', async () => {
    const { result, isolated, complaints } = await visit(isolation);
    expect(isolated).toBe(true);
    expectLike(result, expected);
    expect(result.ticks).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  test('trains to the same numbers on one thread elsewhere', async () => {
    const { result, isolated, complaints } = await visit({});
    expect(isolated).toBe(false);
    expectLike(result, expected);
    expect(complaints).toEqual([]);
  });
});

/** Engines differ in fused multiply-add: losses agree to rounding, not to the bit. */
function expectLike(result: PageResult, expected: PageResult): void {
  expect(result.losses.length).toBe(expected.losses.length);
  for (const [i, loss] of expected.losses.entries()) expect(result.losses[i]).toBeCloseTo(loss, 3);
  expect(result.losses.at(-1)).toBeLessThan(result.losses[0] as number);
  expect(result.summaryBytes).toBeGreaterThan(200);
  expect(result.writerError).toBe('FAILED_PRECONDITION');
}
