/** From where people and programs may come in. Asked before anything that they show is looked at. */
export abstract class AllowedAddresses {
  /** An answer at once where that can be given. */
  abstract admits(address: string | null): boolean | Promise<boolean>;
}
