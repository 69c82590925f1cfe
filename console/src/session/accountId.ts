/** `1111-2222-3333`, as AWS's console shows account ids. */
export function dashed(account: string): string {
  return account.replace(/^(\d{4})(\d{4})(\d{4})$/, "$1-$2-$3");
}
