"""The 46 columns of Partner Center's new-commerce reconciliation file, in the documented order, with their types.

Source: https://learn.microsoft.com/partner-center/billing/modern-invoice-reconciliation-file
"""

# What a column holds: an id or words, money, a number with many decimals, or a day as M/D/YYYY.
TEXT, MONEY, LONG, DAY = "text", "money", "long", "day"

COLUMNS: dict[str, str] = {
    "PartnerId": TEXT,
    "CustomerId": TEXT,
    "CustomerName": TEXT,
    "CustomerDomainName": TEXT,
    "CustomerCountry": TEXT,
    "InvoiceNumber": TEXT,
    "MPNID": TEXT,
    "ResellerMPNID": TEXT,
    "OrderId": TEXT,
    "OrderDate": DAY,
    "ProductId": TEXT,
    "SkuId": TEXT,
    "AvailabilityId": TEXT,
    "SkuName": TEXT,
    "ProductName": TEXT,
    "ChargeType": TEXT,
    "UnitPrice": MONEY,
    "Quantity": MONEY,
    "Subtotal": MONEY,
    "TaxTotal": MONEY,
    "Total": MONEY,
    "Currency": TEXT,
    "PriceAdjustmentDescription": TEXT,
    "PublisherName": TEXT,
    "PublisherId": TEXT,
    "SubscriptionDescription": TEXT,
    "SubscriptionId": TEXT,
    "ChargeStartDate": DAY,
    "ChargeEndDate": DAY,
    "TermAndBillingCycle": TEXT,
    "EffectiveUnitPrice": LONG,
    "UnitType": TEXT,
    "AlternateId": TEXT,
    "BillableQuantity": LONG,
    "BillingFrequency": TEXT,
    "PricingCurrency": TEXT,
    "PCToBCExchangeRate": LONG,
    "PCToBCExchangeRateDate": DAY,
    "MeterDescription": TEXT,
    "ReservationOrderId": TEXT,
    "CreditReasonCode": TEXT,
    "SubscriptionStartDate": DAY,
    "SubscriptionEndDate": DAY,
    "ReferenceID": TEXT,
    "ProductQualifiers": TEXT,
    "PromotionID": TEXT,
}

# 18 digits are the most that DuckDB keeps in 64 bits: wider ones would slow it down.
DECIMALS = {MONEY: (18, 6), LONG: (18, 10)}
