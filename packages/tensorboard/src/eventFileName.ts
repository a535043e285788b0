/** @file Which files are event files, by their names. */

/** Whether a file of this name holds events. Keras' empty profile markers do not. */
export function isEventFile(name: string): boolean {
  return name.includes('tfevents') && !name.endsWith('.profile-empty');
}
