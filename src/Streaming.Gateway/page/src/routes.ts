export type Route = { readonly view: "start" } | { readonly view: "conversation"; readonly id: string };

const conversation = /^#\/c\/([A-Za-z0-9_-]{1,64})$/;

export function routeOf(hash: string): Route {
  const id = conversation.exec(hash)?.[1];
  return id === undefined ? { view: "start" } : { view: "conversation", id };
}

export function hashOf(route: Route): string {
  return route.view === "start" ? "#/" : `#/c/${route.id}`;
}
