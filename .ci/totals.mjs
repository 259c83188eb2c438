// Prints "N passed, N failed" over vitest's JSON reports; a report that is missing or a file that did not load is a failure.
import { readFileSync } from 'node:fs';

let [passed, failed, skipped] = [0, 0, 0];
for (const path of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    skipped += report.numPendingTests;
    failed += report.testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0).length;
  } catch {
    failed += 1;
  }
}
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
