// Adds up the result files of the test runners in a folder: MSTest's TRX and vitest's JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const sum = { passed: 0, failed: 0, skipped: 0 };

for (const file of readdirSync(folder)) {
  const text = readFileSync(join(folder, file), 'utf8');
  if (file.endsWith('.trx')) {
    const counters = text.match(/<Counters [^>]*>/)?.[0];
    if (!counters) throw new Error(`${file} holds no counters: its test run did not end.`);
    const count = (name) => Number(counters.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
    sum.passed += count('passed');
    sum.failed += count('failed') + count('error') + count('timeout') + count('aborted');
    sum.skipped += count('total') - count('executed');
  } else if (file.endsWith('.json')) {
    const result = JSON.parse(text);
    sum.passed += result.numPassedTests;
    sum.failed += result.numFailedTests;
    sum.skipped += result.numPendingTests;
  }
}

console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 || sum.passed === 0 ? 1 : 0);
