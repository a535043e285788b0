import { expect, test } from 'vitest';
import { MessageWriter } from './protobuf.ts';

const hex = (writer: MessageWriter) => Buffer.from(writer.finish()).toString('hex');

test('writes varints low bits first', () => {
  // Example of the protobuf encoding guide: field 1 = 150.
  expect(hex(new MessageWriter().integer(1, 150))).toBe('089601');
  expect(hex(new MessageWriter().integer(20, 7))).toBe('a00107');
});

test('writes negative integers in ten bytes', () => {
  expect(hex(new MessageWriter().integer(3, -1))).toBe('18ffffffffffffffffff01');
});

test('writes strings, floats and nested messages', () => {
  expect(hex(new MessageWriter().string(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(new MessageWriter().float(2, 1))).toBe('150000803f');
  expect(hex(new MessageWriter().message(3, new MessageWriter().integer(1, 150)))).toBe('1a03089601');
});
