const sentences = [
  "Once upon a time, there was a little dog named Max.",
  "Max loved to run in the park and chase the red ball.",
  "One day, he saw a small bird that could not fly.",
  "“Do not be sad,” said Max, “I will help you find your nest.”",
  "They walked and walked until the sun was low and the sky was orange.",
  "A big tree stood at the end of the path, and in it was the nest.",
  "The bird was so happy that she sang a song for him.",
  "Max wagged his tail, and together they looked at the stars.",
];

/** The words of an endless story in paragraphs of four sentences. */
export function* story(seed: number): Generator<string> {
  for (let i = seed; ; i++) {
    const sentence = sentences[(i * 5 + (i >> 3)) % sentences.length] as string;
    yield* sentence.split(/(?<= )/);
    yield i % 4 === 3 ? "\n\n" : " ";
  }
}

export const showcase = `Here is what **Markdown** looks like, with *emphasis*, \`code\` and a [link](https://example.org).

## A heading

1. The first tokens stay.
2. The most recent tokens stay.
   - Everything between is forgotten.

> A sink is whatever token comes first.

\`\`\`csharp
// Position p of the rolling part lives in place F + (p - F) mod W.
var place = fixedLength + (int)((position - fixedLength) % window);
\`\`\`

| part | tokens |
|---|---:|
| sinks | 4 |
| window | 508 |

Markup that a model writes is text: <img src=x onerror=alert(1)> <b>not bold</b>.`;
