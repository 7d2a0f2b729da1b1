//! What the columns of exports are called in English, German, French, Spanish and Dutch, and the words
//! in their cells. All folded: lower case, without accents, spaces and punctuation. Collected from the
//! documented column names of PSAs, distributors and accounting systems and their translations.

/// Names of a field's column: those that mean it, and those that may.
pub(super) struct Names {
    pub(super) field: &'static str,
    pub(super) sure: &'static [&'static str],
    pub(super) maybe: &'static [&'static str],
}

#[rustfmt::skip]
pub(super) const NAMES: &[Names] = &[
    Names {
        field: "client",
        sure: &[
            "client", "clientname", "customer", "customername", "company", "companyname", "account", "accountname",
            "organization", "organizationname", "organisation", "organisationname", "endcustomer", "endcustomername",
            "tenantname", "enduser",
            "kunde", "kundenname", "kundin", "firma", "firmenname", "mandant", "endkunde", "debitor", "debitorname",
            "nomclient", "nomduclient", "societe", "entreprise", "raisonsociale", "clientfinal",
            "cliente", "nombrecliente", "nombredelcliente", "empresa", "razonsocial", "clientefinal",
            "klant", "klantnaam", "bedrijf", "bedrijfsnaam", "organisatie", "eindklant", "relatie",
        ],
        maybe: &["tenant", "site", "billto", "name", "contact", "auftraggeber", "empfanger", "compte", "cuenta", "nom", "nombre", "naam", "debiteur"],
    },
    Names {
        field: "client_id",
        sure: &[
            "clientid", "customerid", "customernumber", "customerno", "customercode", "accountid", "accountnumber", "companyid",
            "tenantid", "organizationid", "microsofttenantid",
            "kundennummer", "kundennr", "kundenid", "kdnr", "debitorennummer", "mandantennummer",
            "codeclient", "numeroclient", "numclient", "noclient", "idclient", "referenceclient", "refclient",
            "codigocliente", "numerocliente", "idcliente", "codcliente",
            "klantnummer", "klantnr", "klantid", "klantcode", "debiteurnummer", "relatienummer",
        ],
        maybe: &["tenant", "tenantguid", "externalid"],
    },
    Names {
        field: "domain",
        sure: &["domain", "domainname", "primarydomain", "tenantdomain", "defaultdomain", "customerdomain", "domane", "hauptdomane", "domaine", "nomdedomaine", "dominio", "domein", "domeinnaam"],
        maybe: &["website", "url"],
    },
    Names {
        field: "product",
        sure: &[
            "product", "productname", "producttitle", "productdescription", "item", "itemname", "itemdescription", "description",
            "service", "servicename", "subscriptionname", "license", "licensename", "licence", "licencename", "licensetype",
            "offer", "offername", "skuname", "plan", "planname", "article", "lineitem", "linedescription",
            "produkt", "produktname", "produktbezeichnung", "artikel", "artikelname", "artikelbezeichnung", "bezeichnung",
            "leistung", "beschreibung", "lizenz", "lizenzname", "lizenztyp",
            "produit", "nomproduit", "nomduproduit", "designation", "libelle", "prestation", "descriptif",
            "producto", "nombreproducto", "nombredelproducto", "articulo", "descripcion", "servicio", "concepto", "licencia",
            "productnaam", "artikelomschrijving", "omschrijving", "dienst", "licentie", "licentienaam",
        ],
        maybe: &["subscription", "title", "name", "details", "abonnement", "abo", "position", "text", "suscripcion", "naam", "nom", "nombre"],
    },
    Names {
        field: "sku",
        sure: &["sku", "skuid", "vendorsku", "productsku", "manufacturersku"],
        maybe: &["mpn", "productid", "offerid"],
    },
    Names {
        field: "part_number",
        sure: &["partnumber", "skupartnumber", "partno", "manufacturerpartnumber", "teilenummer", "herstellernummer", "numeropiece", "onderdeelnummer"],
        maybe: &["mpn"],
    },
    Names {
        field: "product_code",
        sure: &[
            "productcode", "productnumber", "itemcode", "itemnumber", "itemno", "articlenumber",
            "artikelnummer", "artikelnr", "artnr", "produktnummer", "produktcode",
            "codearticle", "codeproduit", "referenceproduit", "refproduit", "refarticle", "referencearticle",
            "codigoproducto", "codigoarticulo", "codigo", "artikelcode",
        ],
        maybe: &["sku", "code", "reference", "referencia", "ref", "productid"],
    },
    Names {
        field: "subscription",
        sure: &["subscriptionid", "subscriptionnumber", "subscriptionguid", "abonummer", "abonnementid", "abonnementnummer", "idabonnement", "numeroabonnement", "idsuscripcion", "abonnementsnummer"],
        maybe: &["subscription", "entitlementid"],
    },
    Names {
        field: "agreement",
        sure: &["agreement", "agreementname", "agreementid", "contract", "contractname", "contractid", "contractnumber", "vertrag", "vertragsnummer", "vertragsnr", "contrat", "numerocontrat", "contrato", "numerocontrato", "overeenkomst", "contractnummer"],
        maybe: &[],
    },
    Names {
        field: "invoice",
        sure: &["invoice", "invoicenumber", "invoiceno", "invoiceid", "documentnumber", "docnumber", "rechnung", "rechnungsnummer", "rechnungsnr", "belegnummer", "belegnr", "facture", "numerofacture", "numfacture", "nofacture", "factura", "numerofactura", "nfactura", "factuur", "factuurnummer", "factuurnr"],
        maybe: &["document", "beleg", "ordernumber"],
    },
    Names {
        field: "billing_entity",
        sure: &["billingentity", "billto", "invoicerecipient", "rechnungsempfanger", "facturea", "facturadoa", "factuurontvanger"],
        maybe: &[],
    },
    Names {
        field: "term",
        sure: &["term", "commitment", "commitmentterm", "contractterm", "termduration", "subscriptionterm", "laufzeit", "vertragslaufzeit", "bindung", "duree", "engagement", "dureeengagement", "plazo", "duracion", "permanencia", "compromiso", "looptijd", "contractduur"],
        maybe: &["termandbillingcycle"],
    },
    Names {
        field: "cycle",
        sure: &["cycle", "billingcycle", "billingfrequency", "billingterm", "frequency", "abrechnungszyklus", "abrechnungsintervall", "abrechnungsturnus", "zahlungsintervall", "zyklus", "intervall", "turnus", "periodicite", "frequence", "cyclefacturation", "frequencefacturation", "periodicidad", "frecuencia", "ciclo", "ciclofacturacion", "factuurfrequentie", "frequentie", "periodiciteit", "facturatiefrequentie"],
        maybe: &["interval", "recurrence", "billingperiod"],
    },
    Names {
        field: "quantity",
        sure: &[
            "quantity", "qty", "seats", "units", "licenses", "licences", "licensecount", "seatcount", "unitcount",
            "billedquantity", "billablequantity", "numberofseats", "numberoflicenses",
            "menge", "anzahl", "stuck", "stuckzahl", "lizenzen", "lizenzanzahl", "anzahllizenzen", "nutzerzahl",
            "quantite", "qte", "nombrelicences", "nbrelicences", "nblicences", "nombredelicences", "unites",
            "cantidad", "cant", "unidades", "licencias", "numerolicencias",
            "aantal", "hoeveelheid", "stuks", "licenties", "aantallicenties",
        ],
        maybe: &["count", "users", "usercount", "amount", "nutzer", "benutzer", "nombre", "nb", "usuarios", "gebruikers", "total", "number"],
    },
    Names {
        field: "purchased",
        sure: &[
            "purchased", "purchasedseats", "purchasedlicenses", "totallicenses", "totalseats", "prepaidunits", "owned", "allocated",
            "gekauft", "erworben", "gekauftelizenzen", "lizenzengesamt", "gesamtlizenzen",
            "achete", "achetes", "licencesachetees", "licencestotales", "comprado", "compradas", "licenciastotales",
            "aangeschaft", "ingekocht", "totaalaantallicenties",
        ],
        maybe: &["total", "enabled", "gesamt", "totaal", "quantity", "qty", "seats", "licenses", "licences", "menge", "anzahl", "lizenzen", "quantite", "qte", "cantidad", "licencias", "aantal", "licenties"],
    },
    Names {
        field: "assigned",
        sure: &["assigned", "assignedseats", "assignedlicenses", "inuse", "used", "consumed", "consumedunits", "usedlicenses", "zugewiesen", "zugewiesenelizenzen", "vergeben", "belegt", "attribue", "attribuees", "affectees", "licencesattribuees", "utilisees", "asignado", "asignadas", "licenciasasignadas", "enuso", "toegewezen", "ingebruik"],
        maybe: &["users", "nutzer", "benutzer"],
    },
    Names {
        field: "active",
        sure: &["active", "activeusers", "activeseats", "aktiv", "aktivebenutzer", "aktivenutzer", "actif", "actifs", "utilisateursactifs", "activos", "usuariosactivos", "actief", "actievegebruikers"],
        maybe: &[],
    },
    Names {
        field: "included",
        sure: &["included", "includedquantity", "freeunits", "inklusive", "inklusivmenge", "inbegriffen", "inclus", "quantiteincluse", "incluido", "incluidas", "inbegrepen"],
        maybe: &["free"],
    },
    Names {
        field: "unit_price",
        sure: &[
            "unitprice", "priceperunit", "priceperseat", "sellprice", "salesprice", "saleprice", "unitamount", "unitsellprice", "price",
            "einzelpreis", "stuckpreis", "verkaufspreis", "vkpreis", "preisprostuck", "preisproeinheit", "preis", "nettoeinzelpreis",
            "prixunitaire", "prixunitaireht", "puht", "prixdevente", "prix",
            "precio", "preciounitario", "preciounidad", "preciodeventa",
            "stuksprijs", "eenheidsprijs", "prijsperstuk", "prijspereenheid", "verkoopprijs", "prijs",
        ],
        maybe: &["rate", "vk", "pu", "tarif", "tarifa", "tarief", "listprice", "nettopreis", "unitcost", "netprice"],
    },
    Names {
        field: "unit_cost",
        sure: &[
            "unitcost", "cost", "costprice", "costperunit", "buyprice", "purchaseprice", "wholesaleprice", "partnerprice",
            "partnercost", "resellerprice", "dealerprice", "netcost",
            "einkaufspreis", "ekpreis", "haendlerpreis", "handlerpreis", "partnerpreis",
            "coutunitaire", "cout", "prixachat", "prixdachat", "prixrevendeur",
            "coste", "costeunitario", "costo", "costounitario", "preciodecompra", "preciocompra",
            "kostprijs", "inkoopprijs", "inkoop",
        ],
        maybe: &["ek", "einkauf", "kosten", "netprice", "unitprice", "price", "einzelpreis", "preis", "prixunitaire", "preciounitario", "stuksprijs"],
    },
    Names {
        field: "currency",
        sure: &["currency", "currencycode", "pricecurrency", "wahrung", "waehrung", "wahrungscode", "devise", "monnaie", "codedevise", "moneda", "divisa", "valuta", "muntsoort", "munteenheid"],
        maybe: &["curr", "ccy", "munt"],
    },
    Names {
        field: "from",
        sure: &[
            "from", "start", "startdate", "validfrom", "begin", "begindate", "periodstart", "billingstart", "servicestart",
            "servicestartdate", "chargestartdate", "effectivedate", "startofperiod", "subscriptionstart", "subscriptionstartdate",
            "von", "ab", "beginn", "startdatum", "beginndatum", "gultigab", "gultigvon", "leistungsbeginn", "leistungvon", "zeitraumvon",
            "periodevon", "vertragsbeginn",
            "du", "debut", "datedebut", "datededebut", "debutperiode", "debutdeperiode", "valabledu",
            "desde", "inicio", "fechainicio", "fechadeinicio", "inicioperiodo",
            "van", "vanaf", "ingangsdatum", "begindatum", "geldigvan", "startperiode",
        ],
        maybe: &[
            "month", "period", "billingmonth", "date", "invoicedate", "since", "monat", "abrechnungsmonat", "zeitraum",
            "leistungszeitraum", "abrechnungszeitraum", "datum", "rechnungsdatum", "belegdatum", "mois", "periode", "date",
            "datefacture", "mes", "periodo", "fecha", "fechafactura", "maand", "factuurdatum", "billingperiod", "serviceperiod",
        ],
    },
    Names {
        field: "until",
        sure: &[
            "until", "to", "end", "enddate", "validto", "validuntil", "periodend", "billingend", "serviceend", "serviceenddate",
            "chargeenddate", "endofperiod", "subscriptionend", "subscriptionenddate", "expirydate", "expirationdate",
            "bis", "ende", "enddatum", "gultigbis", "leistungsende", "leistungbis", "zeitraumbis", "periodebis", "vertragsende", "ablaufdatum",
            "au", "fin", "datefin", "datedefin", "finperiode", "findeperiode", "valableau", "dateexpiration",
            "hasta", "fechafin", "fechadefin", "finperiodo", "fechavencimiento",
            "tot", "totenmet", "tm", "einddatum", "geldigtot", "eindeperiode", "vervaldatum",
        ],
        maybe: &["expires", "ablauf", "vencimiento", "echeance", "renewaldate", "nextrenewal"],
    },
    Names {
        field: "charge_type",
        sure: &["chargetype", "transactiontype", "chargekind", "buchungsart", "gebuhrenart", "typedefrais", "tipodecargo", "kostensoort"],
        maybe: &["type"],
    },
    Names {
        field: "line_type",
        sure: &["linetype", "positionsart", "zeilenart", "typedeligne", "tipodelinea", "regeltype"],
        maybe: &["type", "art", "tipo", "soort", "belegart", "documenttype"],
    },
];

/// Columns whose numbers are no field's: sums of rows, taxes, discounts.
pub(super) const NO_FIELD: &[&str] = &[
    "tax",
    "vat",
    "mwst",
    "ust",
    "tva",
    "iva",
    "btw",
    "discount",
    "rabatt",
    "remise",
    "descuento",
    "korting",
    "subtotal",
    "linetotal",
    "totalprice",
    "totalamount",
    "gesamtpreis",
    "gesamtbetrag",
    "summe",
    "betrag",
    "montant",
    "montantht",
    "montantttc",
    "totalht",
    "totalttc",
    "importe",
    "bedrag",
    "totaalbedrag",
    "margin",
    "marge",
    "exchangerate",
    "wechselkurs",
];

/// Words that make a name another field's.
#[rustfmt::skip]
pub(super) const SPOILS: &[(&[&str], &[&str])] = &[
    (&["client", "product"], &["id", "nr", "no", "nummer", "number", "code", "num", "numero", "guid", "sku", "type", "typ", "group", "gruppe", "email", "mail"]),
    (&["unit_price", "unit_cost"], &["total", "gesamt", "summe", "sum", "subtotal", "totaal", "ttc", "tax", "steuer", "betrag", "montant", "ligne", "line"]),
    (&["unit_price"], &["ek", "einkauf", "einkaufspreis", "cost", "achat", "inkoop", "coste", "costo", "buy", "purchase", "partner", "compra"]),
    (&["unit_cost"], &["vk", "verkauf", "verkaufspreis", "sell", "sales", "vente", "venta", "verkoop", "customer", "kunde"]),
];

/// Months by name, 1 to 12.
#[rustfmt::skip]
const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "janner", "janvier", "janv", "enero", "ene", "januari"],
    &["february", "feb", "februar", "febr", "fevrier", "fevr", "fev", "febrero", "februari"],
    &["march", "mar", "marz", "maerz", "mrz", "mars", "marzo", "maart", "mrt"],
    &["april", "apr", "avril", "avr", "abril", "abr"],
    &["may", "mai", "mayo", "mei"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "juil", "julio"],
    &["august", "aug", "aout", "agosto", "ago", "augustus"],
    &["september", "sep", "sept", "septembre", "septiembre"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dezember", "dez", "decembre", "diciembre", "dic"],
];

/// The number of a month.
pub(super) fn month(word: &str) -> Option<u32> {
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    u32::try_from(at + 1).ok()
}

/// Takes a number and a unit of time apart: `12monate`.
fn months(word: &str) -> Option<u32> {
    let bare =
        word.strip_prefix('p').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(word);
    let unit = bare.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u32 = bare[..bare.len() - unit.len()].parse().ok()?;
    match unit {
        "m" | "month" | "months" | "monat" | "monate" | "monaten" | "mois" | "mes" | "meses" | "maand"
        | "maanden" => Some(number),
        "y" | "yr" | "year" | "years" | "jahr" | "jahre" | "jahren" | "an" | "ans" | "annee" | "annees"
        | "ano" | "anos" | "jaar" | "jaren" => number.checked_mul(12),
        _ => None,
    }
}

const MONTHLY: &[&str] = &[
    "monthly",
    "month",
    "permonth",
    "monatlich",
    "promonat",
    "monat",
    "mensuel",
    "mensuelle",
    "parmois",
    "mensual",
    "pormes",
    "maandelijks",
    "permaand",
];
const QUARTERLY: &[&str] = &[
    "quarterly",
    "quarter",
    "vierteljahrlich",
    "quartalsweise",
    "quartal",
    "trimestriel",
    "trimestrielle",
    "trimestral",
    "perkwartaal",
    "kwartaal",
];
const ANNUAL: &[&str] = &[
    "annual",
    "annually",
    "yearly",
    "year",
    "peryear",
    "jahrlich",
    "projahr",
    "jahr",
    "annuel",
    "annuelle",
    "paran",
    "anual",
    "poranno",
    "jaarlijks",
    "perjaar",
];
const TRIENNIAL: &[&str] = &["triennial", "threeyears", "dreijahrig", "triennal", "trienal", "driejaarlijks"];

/// A term as the template writes it.
pub(super) fn term(word: &str) -> Option<&'static str> {
    match months(word) {
        Some(1) => Some("monthly"),
        Some(12) => Some("annual"),
        Some(36) => Some("triennial"),
        Some(_) => None,
        None if MONTHLY.contains(&word) => Some("monthly"),
        None if ANNUAL.contains(&word) => Some("annual"),
        None => TRIENNIAL.contains(&word).then_some("triennial"),
    }
}

/// A cycle as the template writes it.
pub(super) fn cycle(word: &str) -> Option<&'static str> {
    if QUARTERLY.contains(&word) || months(word) == Some(3) { Some("quarterly") } else { term(word) }
}

/// A line type as the template writes it.
pub(super) fn line_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "regular" | "recurring" | "invoice" | "rechnung" | "wiederkehrend" | "facture" | "recurrent"
        | "factura" | "recurrente" | "factuur" | "terugkerend" => "regular",
        "credit" | "creditnote" | "creditmemo" | "refund" | "gutschrift" | "avoir" | "notedecredit"
        | "abono" | "notadecredito" | "creditnota" | "creditfactuur" => "credit",
        "proration" | "prorated" | "prorata" | "anteilig" | "prorrateo" | "prorateo" | "naarrato" => {
            "proration"
        }
        "oneoff" | "onetime" | "setup" | "einmalig" | "einrichtung" | "unique" | "ponctuel" | "unico"
        | "eenmalig" => "one_off",
        _ => return None,
    })
}
