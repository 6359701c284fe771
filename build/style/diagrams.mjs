// Draws each diagram (docs/**/*.dot) as the SVG beside it. Usage: node build/style/diagrams.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Colours for a light and for a dark page; the background is the drawing's own, so it can be read on either. */
const style = `<style>
  .background { fill: #fdfdfb; stroke: #deded8; }
  text { fill: #1c1e1d; }
  .node path, .node polygon { fill: #ffffff; stroke: #0f6b62; }
  .store path, .store polygon { fill: #eef5f3; }
  .cluster path, .cluster polygon { fill: #f4f3ef; stroke: #c9c8c0; }
  .edge path { stroke: #6a6e6b; }
  .edge polygon { fill: #6a6e6b; stroke: #6a6e6b; }
  .edge text { fill: #565a57; stroke: #f4f3ef; stroke-width: 5px; paint-order: stroke; }
  @media (prefers-color-scheme: dark) {
    .background { fill: #161817; stroke: #3a3d3b; }
    text { fill: #e8e8e3; }
    .node path, .node polygon { fill: #202322; stroke: #5fb3a8; }
    .store path, .store polygon { fill: #1c2b29; }
    .cluster path, .cluster polygon { fill: #1b1d1c; stroke: #4a4d4b; }
    .edge path { stroke: #a3a7a4; }
    .edge polygon { fill: #a3a7a4; stroke: #a3a7a4; }
    .edge text { fill: #b9bdba; stroke: #1b1d1c; }
  }
</style>`;

/** The SVG of a diagram in Graphviz's language. */
export async function draw(source) {
  const { instance } = await import('@viz-js/viz');
  const svg = (await instance()).renderString(source, { format: 'svg' });
  return svg
    .replace(/^[\s\S]*?(?=<svg)/, '')
    .replace(/<!--[\s\S]*?-->\n?/g, '')
    .replace(/(<svg[^>]*>)/, `$1\n${style}`)
    .replace(/<polygon fill="[^"]*" stroke="[^"]*" points/, '<polygon class="background" points')
    .replace(/\n?$/, '\n');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const docs = resolve(dirname(fileURLToPath(import.meta.url)), '../../docs');
  for (const name of readdirSync(docs, { recursive: true })) {
    if (!name.endsWith('.dot')) continue;
    const target = join(docs, name.replace(/\.dot$/, '.svg'));
    writeFileSync(target, await draw(readFileSync(join(docs, name), 'utf8')));
    console.log(target);
  }
}
