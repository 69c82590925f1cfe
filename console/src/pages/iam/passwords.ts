/** Passwords that the console makes up: long, of every kind of character that a password policy can ask for. */

const KINDS = ["ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz", "23456789", "!@#$%^&*()_+-=[]{}|"];
const LENGTH = 20;

/** A number below `limit`, each as likely as any other. */
function below(limit: number): number {
  const most = Math.floor(256 / limit) * limit;
  for (;;) {
    const [drawn = most] = crypto.getRandomValues(new Uint8Array(1));
    if (drawn < most) return drawn % limit;
  }
}

function oneOf(characters: string): string {
  return characters[below(characters.length)] ?? "";
}

export function generatedPassword(): string {
  const characters = KINDS.map(oneOf);
  while (characters.length < LENGTH) characters.push(oneOf(KINDS.join("")));
  // The kinds must not stand in a known order.
  for (let at = characters.length - 1; at > 0; at -= 1) {
    const other = below(at + 1);
    [characters[at], characters[other]] = [characters[other] ?? "", characters[at] ?? ""];
  }
  return characters.join("");
}
