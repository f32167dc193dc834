import { Injectable, computed, signal } from '@angular/core';

/** Fields whose text is no value yet (JSON half typed), by their pointer: while there is one, nothing is sent. */
@Injectable()
export class Drafts {
  private readonly broken = signal<ReadonlySet<string>>(new Set());
  readonly hasBroken = computed(() => this.broken().size > 0);

  set(pointer: string, isBroken: boolean): void {
    if (this.broken().has(pointer) === isBroken) return;
    this.broken.update((before) => {
      const after = new Set(before);
      if (isBroken) after.add(pointer);
      else after.delete(pointer);
      return after;
    });
  }
}
