/**
 * @file What may import what: the table of rooms, as data. `ARCHITECTURE.md` explains it.
 */

/** Packages that each package may import; tests of a package may import no others either. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  formats: [],
  xla: [],
  core: ['formats', 'xla'],
  data: ['formats', 'core'],
  layers: ['core'],
  tensorboard: ['formats', 'core'],
  keras: ['core', 'layers', 'data', 'tensorboard'],
  estimators: ['core', 'layers', 'keras', 'data'],
  distributed: ['core', 'formats'],
  serving: ['formats', 'core'],
  tf: ['formats', 'xla', 'core', 'data', 'layers', 'tensorboard', 'keras', 'estimators', 'distributed', 'serving'],
};

/** Packages that run in browsers: Node's own modules stay inside their `src/platform/` and in tests. */
export const portable: readonly string[] = ['formats', 'xla', 'core', 'data', 'layers', 'keras'];

/** Folders whose files may import each other in circles, because they do so inside function bodies only. */
export const mayCycle: readonly string[] = ['packages/core/src/ops/'];
