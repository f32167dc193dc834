import { TestBed } from '@angular/core/testing';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { provideHttpClient } from '@angular/common/http';
import type { Type } from '@angular/core';
import type { Page, Project } from '@aos/contracts';
import type { Observable } from 'rxjs';
import { MemoryApi } from '../../features/memory/memory-api';
import { MonitorApi } from '../../features/monitor/monitor-api';
import { SettingsApi } from '../../features/settings/settings-api';
import { AosApi } from './aos-api';

interface HasProjects {
  projects(): Observable<Page<Project>>;
}

describe('projects to choose from', () => {
  it.each<[string, Type<HasProjects>]>([
    ['everywhere', AosApi],
    ['in Memory', MemoryApi],
    ['in Monitor', MonitorApi],
    ['in Settings', SettingsApi],
  ])('have their ids beside their names where two have one name: %s', (_, type) => {
    TestBed.configureTestingModule({
      providers: [type, provideHttpClient(), provideHttpClientTesting()],
    });
    const names: string[] = [];
    TestBed.inject(type)
      .projects()
      .subscribe(({ items }) => names.push(...items.map(({ name }) => name)));
    const items = [
      { id: 'airfield', name: 'Airfield' },
      { id: 'airfield-2', name: 'Airfield ' },
      { id: 'port', name: 'Port' },
    ];
    TestBed.inject(HttpTestingController)
      .expectOne(({ url }) => url.includes('/projects'))
      .flush({ items, nextCursor: null });
    expect(names).toEqual(['Airfield (airfield)', 'Airfield (airfield-2)', 'Port']);
  });
});
