declare module "virtual:policy-catalogue" {
  import type { CatalogueService } from "./catalogue";

  const services: CatalogueService[];
  export default services;
}
