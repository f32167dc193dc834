import { Location } from '@angular/common';
import { Injectable, inject } from '@angular/core';
import { type Params, Router } from '@angular/router';

interface Step {
  beside?: string;
}

/**
 * What is open beside a list stands in the address, under a key. To open it is a step of its own, so that the browser's
 * Back closes it; to go on to another row is none, or Back would go through every row that was looked at. To close it
 * by hand takes that step back, unless the page was entered with it open.
 */
@Injectable({ providedIn: 'root' })
export class Beside {
  private readonly router = inject(Router);
  private readonly location = inject(Location);

  /** `besides` is what changes in the address together with what is opened. */
  show(key: string, value: string | null, besides: Params = {}): void {
    const isOpen = this.router.parseUrl(this.router.url).queryParamMap.has(key);
    const isOurs = (this.location.getState() as Step | null)?.beside === key;
    if (value === null && isOurs) {
      this.location.back();
      return;
    }
    void this.router.navigate([], {
      queryParams: { ...besides, [key]: value },
      queryParamsHandling: 'merge',
      replaceUrl: isOpen || value === null,
      ...(value !== null && (isOurs || !isOpen) && { state: { beside: key } satisfies Step }),
    });
  }
}
