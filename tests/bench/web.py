# SPDX-License-Identifier: Apache-2.0
"""The web server whose throughput is measured. An order is what such servers do: a body is checked, a
database is read and written, an answer is built. A price is the least there is: two awaits and 30 bytes."""
import sqlite3

from fastapi import FastAPI
from pydantic import BaseModel, Field

from spanned import spanned

app = FastAPI()
database = sqlite3.connect("orders.db", isolation_level=None)
database.executescript("""
PRAGMA journal_mode = wal; PRAGMA synchronous = normal;
CREATE TABLE IF NOT EXISTS item (sku TEXT PRIMARY KEY, name TEXT, price INTEGER);
CREATE TABLE IF NOT EXISTS line (customer TEXT, sku TEXT, number INTEGER);
""")
database.executemany("INSERT OR REPLACE INTO item VALUES (?, ?, ?)",
                     [(f"sku-{i}", f"the item of number {i}", i * 10) for i in range(1000)])


class Wish(BaseModel):
    sku: str = Field(pattern="^sku-[0-9]+$")
    number: int = Field(gt=0, le=100)


class Request(BaseModel):
    customer: str
    wishes: list[Wish]


class Line(BaseModel):
    sku: str
    name: str
    number: int
    price: int


class Order(BaseModel):
    customer: str
    lines: list[Line]
    total: int


@spanned(count=len)
async def find_items(wishes):
    return [database.execute("SELECT name, price FROM item WHERE sku = ?", (wish.sku,)).fetchone() for wish in wishes]


@spanned(customer=lambda customer, wishes: customer, result=True)
async def keep_order(customer, wishes):
    with database:
        database.execute("BEGIN")
        database.execute("DELETE FROM line WHERE customer = ?", (customer,))
        database.executemany("INSERT INTO line VALUES (?, ?, ?)", [(customer, wish.sku, wish.number) for wish in wishes])
    return len(wishes)


@app.post("/order")
@spanned(customer=lambda request: request.customer)
async def order(request: Request) -> Order:
    found = await find_items(request.wishes)
    await keep_order(request.customer, request.wishes)
    lines = [Line(sku=wish.sku, name=name, number=wish.number, price=price)
             for wish, (name, price) in zip(request.wishes, found)]
    return Order(customer=request.customer, lines=lines, total=sum(line.number * line.price for line in lines))


@spanned(item=lambda item: item)
async def find_price(item):
    return item * 10


@spanned(currency=lambda price, currency: currency)
async def make_bill(price, currency):
    return {"total": 2 * price, "currency": currency}


@app.get("/price/{item}")
@spanned(item=lambda item, currency: item)
async def price(item: int, currency: str = "EUR"):
    return await make_bill(await find_price(item), currency)
