// SPDX-License-Identifier: MIT
// arrow_read.mjs NODE_MODULES FILE - print an Arrow IPC stream with npm's apache-arrow: the columns and their types,
// then the rows, cells separated by blanks, as flowlog_value_format writes them (addresses of 16 bytes in hexadecimal).
import { readFileSync } from 'node:fs';
const { tableFromIPC } = await import(process.argv[2] + '/apache-arrow/Arrow.node.mjs');

const table = tableFromIPC(readFileSync(process.argv[3]));
const fields = table.schema.fields;

function decimal(words) {
  let n = 0n;
  for (let i = 3; i >= 0; i--) n = n << 32n | BigInt(words[i]);
  if (n >> 127n) n -= 1n << 128n;
  const size = n < 0n ? -n : n, rest = String(size % 1000000000n).padStart(9, '0').replace(/0+$/, '');
  return (n < 0n ? '-' : '') + size / 1000000000n + (rest ? '.' + rest : '');
}

function cell(type, value) {
  if (value === null) return '-';
  const name = String(type);
  if (name.startsWith('Decimal')) return decimal(value);
  if (name.startsWith('Timestamp')) return String(Math.round(Number(value) / 1000)); // it gives milliseconds
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return String(value);
}

const out = [fields.map((f) => f.name + ':' + f.type).join(' ')];
const columns = fields.map((f, i) => table.getChildAt(i));
for (let r = 0; r < table.numRows; r++) out.push(columns.map((c, i) => cell(fields[i].type, c.get(r))).join(' '));
process.stdout.write(out.join('\n') + '\n');
