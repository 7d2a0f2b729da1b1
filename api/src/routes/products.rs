//! Products as the organization's files name them, and Microsoft's SKU table.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::{ApiError, Code};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::storage::products::{self, ProductRow};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use leakage_core::catalog::{Catalog, Sku};
use leakage_core::matching::fold;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// One way in which a file names a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// The name as written.
    #[schema(max_length = 500, example = "Microsoft 365 Business Premium")]
    pub name: Option<String>,
    /// The vendor's id: a Graph `skuId`, or Partner Center's `ProductId:SkuId`.
    #[schema(max_length = 500, example = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46")]
    pub sku: Option<String>,
    /// Microsoft's part number.
    #[schema(max_length = 500, example = "SPB")]
    pub part_number: Option<String>,
    /// The PSA's item code.
    #[schema(max_length = 500, example = "M365-BP")]
    pub code: Option<String>,
    /// When a file first named it.
    pub first_seen_at: DateTime<Utc>,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            sku: row.sku,
            part_number: row.part_number,
            code: row.code,
            first_seen_at: row.created_at,
        }
    }
}

page_type!(ProductPage, Product);

/// A SKU of Microsoft's table.
#[derive(Debug, Serialize, ToSchema)]
pub struct MicrosoftSku {
    /// Graph's `skuId`.
    #[schema(max_length = 36, example = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46")]
    pub sku_id: String,
    /// `skuPartNumber`; misleading for some: `O365_BUSINESS_PREMIUM` is Business Standard.
    #[schema(max_length = 200, example = "SPB")]
    pub part_number: String,
    /// Names, the current one first. A name can belong to several SKUs.
    #[schema(max_items = 20)]
    pub names: Vec<String>,
    /// Free, trial or viral: never billed.
    pub free: bool,
}

impl From<&Sku> for MicrosoftSku {
    fn from(sku: &Sku) -> Self {
        Self {
            sku_id: sku.guid.clone(),
            part_number: sku.part_number.clone(),
            names: sku.names.iter().map(|name| name.text.clone()).collect(),
            free: sku.free,
        }
    }
}

page_type!(MicrosoftSkuPage, MicrosoftSku);

/// What a list of Microsoft's SKUs asks for.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SkuQuery {
    /// Words that the name or part number must hold; case and punctuation do not count.
    #[param(max_length = 200, example = "business premium")]
    pub search: Option<String>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// List products
///
/// Every way in which the organization's files name a product, in the order in which they were first seen.
#[utoipa::path(tag = "products", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery),
    responses((status = 200, description = "One page", body = ProductPage)))]
#[get("/products")]
async fn list_products(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<Uuid>(&"products")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = products::list(&mut tx, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?;
    routes::list(&request, &ProductPage::from(page.map(Product::from)))
}

/// List Microsoft's SKUs
///
/// Reference data: Microsoft's published product names and identifiers.
#[utoipa::path(tag = "products", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(SkuQuery),
    responses((status = 200, description = "One page", body = MicrosoftSkuPage)))]
#[get("/microsoft-skus")]
async fn list_microsoft_skus(
    _actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<SkuQuery>,
) -> Result<HttpResponse, ApiError> {
    if query.search.as_ref().is_some_and(|text| text.chars().count() > 200) {
        return Err(ApiError::new(Code::Unreadable, "`search` holds at most 200 characters."));
    }
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = paging.read::<String>(&("microsoft-skus", &query.search))?;
    let needle = query.search.as_deref().map(fold).unwrap_or_default();
    let after = wanted.after.clone().unwrap_or_default();
    let mut found: Vec<&Sku> = Catalog::microsoft()
        .skus()
        .iter()
        .filter(|sku| sku.guid > after)
        .filter(|sku| is_named(sku, &needle))
        .collect();
    found.sort_by_key(|sku| &sku.guid);
    found.truncate(usize::try_from(wanted.fetch()).unwrap_or(usize::MAX));
    let page = wanted.page(found, |sku| sku.guid.clone())?;
    routes::list(&request, &MicrosoftSkuPage::from(page.map(MicrosoftSku::from)))
}

/// Whether the part number or a name holds the folded text.
fn is_named(sku: &Sku, needle: &str) -> bool {
    fold(&sku.part_number).contains(needle) || sku.names.iter().any(|name| fold(&name.text).contains(needle))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_products).service(list_microsoft_skus);
}
