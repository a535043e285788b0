/**
 * @file Keeps machine-specific text out of the repository: package-registry hosts and absolute paths of someone's disk.
 */
import type { SourceFile } from './layers.ts';

// Pieced together, so that this file does not trip over itself.
const hosts = ['registry', '.npmjs', 'npmmirror', 'pypi', 'verdaccio'];
const registryHost = new RegExp(`\\b(?:${hosts[0]}\\.(?:npm|yarn)\\w*|${hosts.slice(2).join('|')})\\.(?:org|com)\\b`);
const homePath = new RegExp(`(?:^|[\\s"'\`(=])/(?:${['home', 'Users', 'root', 'work'].join('|')})/[\\w.-]+`);

/** One line per offending place. */
export function checkHygiene(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => {
      const found = registryHost.exec(line) ?? homePath.exec(line);
      return found === null ? [] : [`${path}:${i + 1}: names "${found[0].trim()}", which only exists elsewhere`];
    }),
  );
}
