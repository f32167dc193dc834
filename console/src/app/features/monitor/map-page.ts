import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterRenderEffect,
  computed,
  inject,
  input,
  linkedSignal,
  resource,
  signal,
  viewChild,
} from '@angular/core';
import { Router } from '@angular/router';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { toProblem } from '../../shared/api/problem';
import { withUnit } from '../../shared/charts/units';
import { Icon } from '../../shared/ui/icon';
import { Preferences } from '../../shared/ui/preferences';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SidePanel } from '../../shared/ui/side-panel';
import { type MapLayout, PLACE_PX, layOutMap, zoomFor } from './map-layout';
import { MonitorApi } from './monitor-api';
import { RangePicker, toTopologyRange } from './range-picker';

interface Traffic {
  calls: number;
  errors: number;
  p95Ms: number | null;
}

/** Who called whom, as a picture and as a table of the same numbers. */
@Component({
  selector: 'aos-map-page',
  imports: [Icon, ProblemNote, RangePicker, SidePanel, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './map-page.html',
  styleUrl: './map-page.css',
})
export class MapPage {
  readonly range = input<string>();
  readonly view = input<string>();
  /** The place whose neighbours are shown. */
  readonly place = input<string>();

  private readonly api = inject(MonitorApi);
  private readonly router = inject(Router);
  private readonly transloco = inject(TranslocoService);
  private readonly language = inject(Preferences).language;
  protected readonly size = PLACE_PX;
  /** So many places in each column, as a task has them: who asks, the work, its servers, what those stand on. */
  protected readonly ghosts = [1, 2, 4, 2].map((places) => Array.from({ length: places }));
  protected readonly chosenRange = computed(() => toTopologyRange(this.range()));
  protected readonly isTable = computed(() => this.view() === 'table');

  protected readonly topology = resource({
    params: () => this.chosenRange(),
    loader: async ({ params }) => {
      const topology = await firstValueFrom(this.api.topology(params));
      return { ...topology, layout: await layOutMap(topology) };
    },
  });
  protected readonly problem = computed(() => {
    const error = this.topology.error();
    return error ? toProblem(error.cause ?? error) : null;
  });
  protected readonly shown = linkedSignal<
    { spans: number; truncated: boolean; layout: MapLayout } | undefined,
    { spans: number; truncated: boolean; layout: MapLayout } | undefined
  >({
    source: () => (this.topology.hasValue() ? this.topology.value() : undefined),
    computation: (topology, before) => topology ?? before?.value,
  });
  protected readonly layout = computed(() => this.shown()?.layout);
  private readonly room = viewChild<ElementRef<HTMLElement>>('room');
  private readonly roomPx = signal(0);
  protected readonly zoom = computed(() => zoomFor(this.layout()?.width ?? 0, this.roomPx()));
  protected readonly names = computed(() => {
    this.language();
    return new Map(
      (this.layout()?.places ?? []).map(({ id, kind, name }) => [
        id,
        kind === 'api' || kind === 'job' || kind === 'database'
          ? this.transloco.translate<string>(`monitor.map.name.${kind}`)
          : name,
      ]),
    );
  });
  protected readonly chosen = computed(
    () => this.layout()?.places.find(({ id }) => id === this.place()) ?? null,
  );
  protected readonly callers = computed(() =>
    (this.layout()?.lines ?? []).filter(({ to }) => to === this.place()),
  );
  protected readonly callees = computed(() =>
    (this.layout()?.lines ?? []).filter(({ from }) => from === this.place()),
  );
  protected readonly lines = computed(() =>
    [...(this.layout()?.lines ?? [])].sort((a, b) => b.calls - a.calls),
  );

  protected readonly busiest = computed(() =>
    [...(this.layout()?.places ?? [])].sort((a, b) => b.calls - a.calls),
  );

  constructor() {
    afterRenderEffect((onCleanup) => {
      const room = this.room()?.nativeElement;
      if (!room) return;
      const observer = new ResizeObserver(() => this.roomPx.set(room.clientWidth));
      observer.observe(room);
      onCleanup(() => observer.disconnect());
    });
  }

  /** The others are named by what they are. */
  protected isOneOfMany(kind: string): boolean {
    return kind === 'node' || kind === 'server' || kind === 'model';
  }
  protected isBeside(id: string): boolean {
    return [...this.callers(), ...this.callees()].some(({ from, to }) => from === id || to === id);
  }
  protected count(value: number): string {
    return withUnit(value, 'count', this.language());
  }
  protected length({ p95Ms }: Traffic): string {
    return p95Ms === null ? '' : withUnit(p95Ms, 'ms', this.language());
  }
  protected share({ calls, errors }: Traffic): string {
    return withUnit(calls === 0 ? 0 : (100 * errors) / calls, 'percent', this.language());
  }
  protected choose(place: string | null): void {
    this.go({ place });
  }
  protected show(view: 'table' | null): void {
    this.go({ view });
  }
  private go(queryParams: Record<string, string | null>): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
}
