// Writes docs/checks.md from the code: each check's sentence, its cure, an example wrong and right, what is said of it. Run by
// `npm run docs:checks`; a test holds that the page is current.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const jiti = createJiti(import.meta.url);
const { checks } = await jiti.import('../src/net/checks/documented.ts');
const { compiled } = await jiti.import('../src/net/checks/compiled.ts');
const { describe, trainedBy } = await jiti.import('../src/net/index.ts');
const { formatDiagnostic } = await jiti.import('../src/diagnostics/index.ts');

const ENTRIES = { data: [3, 64, 64], label: [1, 64, 64] };

const INTRO = `What \`mokapot check\` tells of networks that Caffe would run, or refuse with a failed CHECK. Every diagnostic has a code, a place in
the text, and says what helps. Where a mend is safe, \`mokapot check --fix FILE\` applies it (\`--dry-run\` only shows it); one that something
else may have been meant by is offered by editors (\`mokapot lsp\`) and left alone by \`--fix\`.

    mokapot check net.prototxt                        # a network, in every state it is used in
    mokapot check solver.prototxt                     # a solver and its networks: learning rates too
    mokapot check --dataset DIR net.prototxt          # classes against scores
    mokapot check --format sarif *.prototxt > x.sarif # for code scanning; github: annotations; json: for programs
`;

/** The text of docs/checks.md. */
export function checksPage() {
  return [
    '<!-- Generated from the code by `npm run docs:checks`: edit src/net/checks. -->',
    '',
    '# Checks',
    '',
    INTRO,
    '## What runs, and is likely not meant',
    '',
    ...checks.flatMap(check => section(check)),
    '## What cannot run',
    '',
    'Errors in how layers connect and fit. Where shapes do not fit, the diagnostic lists the shapes from the input on, each with its rule.',
    '',
    ...compiled.flatMap(check => section(check)),
  ].join('\n');
}

function section({ code, doc, cure, example }) {
  const { head = '', wrong, right, phase = 'TEST', options, solver, given } = example;
  const { diagnostics } = describe(head + wrong, {
    name: 'net.prototxt',
    phase,
    ...(head ? {} : { entryShapes: ENTRIES }),
    ...options,
    ...(solver && { solver: trainedBy(solver) }),
  });
  const told = diagnostics.find(d => d.code === code);
  const fix = told.fix ? (told.fix.unsafe ? ' An editor offers a fix.' : ' `--fix` mends it.') : '';
  const { location, related, ...plain } = told;
  return [
    `### \`${code}\` (${told.severity})`,
    '',
    `${doc} ${cure}${fix}`,
    '',
    ...(given ? [`With ${given}:`, ''] : []),
    '```prototxt',
    wrong.trimEnd(),
    '```',
    '',
    '```text',
    formatDiagnostic(plain),
    '```',
    '',
    'Right:',
    '',
    '```prototxt',
    right.trimEnd(),
    '```',
    '',
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/checks.md', import.meta.url), checksPage());
}
